// Reads a vector's input field by field, and tells what was expected where it is something else.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace ballast::vectors {

// What is wrong with an input; caught where an output is made.
struct BadInput {
    std::string expected;
};

constexpr double largest = 9007199254740992.0;  // 2^53: whole numbers up to here are exact

// nullptr: absent, or null. Json is nlohmann::json or nlohmann::ordered_json throughout.
template <class Json>
const Json* find(const Json& object, const char* name) {
    if (!object.is_object()) throw BadInput{fmt::format("an object with '{}'", name)};
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

template <class Json>
const Json& field(const Json& object, const char* name) {
    const Json* const found = find(object, name);
    if (found == nullptr) throw BadInput{fmt::format("a field '{}'", name)};
    return *found;
}

template <class Json>
double number_in(const Json& value, const char* name) {
    const double number = value.is_number() ? value.template get<double>() : NAN;
    if (!(std::fabs(number) <= largest))
        throw BadInput{fmt::format("a number of at most 2^53 in '{}'", name)};
    return number;
}

template <class Json>
double number(const Json& object, const char* name) {
    return number_in(field(object, name), name);
}

template <class Json>
std::optional<double> number_if_any(const Json& object, const char* name) {
    const Json* const found = find(object, name);
    return found == nullptr ? std::nullopt : std::optional(number_in(*found, name));
}

// False where it is absent.
template <class Json>
bool flag(const Json& object, const char* name) {
    const Json* const found = find(object, name);
    if (found == nullptr) return false;
    if (!found->is_boolean()) throw BadInput{fmt::format("true or false in '{}'", name)};
    return found->template get<bool>();
}

template <class Json>
std::string text_in(const Json& value, const char* name) {
    if (!value.is_string()) throw BadInput{fmt::format("a text in '{}'", name)};
    return value.template get<std::string>();
}

template <class Json>
std::string text(const Json& object, const char* name) {
    return text_in(field(object, name), name);
}

template <class Json>
const Json& list(const Json& object, const char* name) {
    const Json& found = field(object, name);
    if (!found.is_array()) throw BadInput{fmt::format("a list in '{}'", name)};
    return found;
}

template <class Json>
const Json& object_in(const Json& object, const char* name) {
    const Json& found = field(object, name);
    if (!found.is_object()) throw BadInput{fmt::format("an object in '{}'", name)};
    return found;
}

// A whole number as JSON writes it. Errors: BadInput, where the input led beyond 2^63.
inline nlohmann::json whole(double value) {
    if (!(std::fabs(value) < 9.2e18)) throw BadInput{"figures whose results fit into 64 bits"};
    return static_cast<std::int64_t>(value);
}

}  // namespace ballast::vectors
