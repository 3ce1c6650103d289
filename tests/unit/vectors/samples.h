// The golden vectors that come with the tests.
#pragma once

#include <fstream>
#include <iterator>
#include <string>

namespace ballast::vectors::test {

inline std::string sample(const std::string& name) {
    std::ifstream file(std::string(BALLAST_TEST_DATA) + "/vectors/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace ballast::vectors::test
