// The golden vectors that come with the tests.
#pragma once

#include <fstream>
#include <iterator>
#include <string>

#include "tests/paths.h"

namespace ballast::vectors::test {

inline std::string sample(const std::string& name) {
    std::ifstream file(test_data() + "/vectors/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace ballast::vectors::test
