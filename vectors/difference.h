// Where two outputs part.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace ballast::vectors {

struct Place {
    std::string at;  // a JSON pointer
    // What stands there, as JSON, shortened; "nothing" where one has nothing there.
    std::string expected;
    std::string got;
};

// The first place where `got` is not what is expected; nullopt: it is, to the last bit of a double.
// Numbers are equal by value, however they are written. At the top, keys that nobody expects are
// left alone; below, they are a difference.
std::optional<Place> first_difference(const nlohmann::json& expected, const nlohmann::json& got);

}  // namespace ballast::vectors
