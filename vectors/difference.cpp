#include "vectors/difference.h"

#include <algorithm>

namespace ballast::vectors {
namespace {

using Json = nlohmann::json;
using Pointer = Json::json_pointer;

std::string shown(const Json* value) {
    constexpr std::size_t longest = 160;
    if (value == nullptr) return "nothing";
    std::string text = value->dump(-1, ' ', true, Json::error_handler_t::replace);
    if (text.size() <= longest) return text;
    text.resize(longest);
    return text + "...";
}

Place place(const Pointer& at, const Json* expected, const Json* got) {
    return {at.to_string(), shown(expected), shown(got)};
}

std::optional<Place> part(const Json& expected, const Json& got, const Pointer& at);

std::optional<Place> part_objects(const Json& expected, const Json& got, const Pointer& at) {
    for (const auto& [key, value] : expected.items()) {
        const auto found = got.find(key);
        if (found == got.end()) return place(at / key, &value, nullptr);
        if (auto inner = part(value, *found, at / key)) return inner;
    }
    if (at.empty()) return std::nullopt;
    for (const auto& [key, value] : got.items())
        if (!expected.contains(key)) return place(at / key, nullptr, &value);
    return std::nullopt;
}

std::optional<Place> part_arrays(const Json& expected, const Json& got, const Pointer& at) {
    const std::size_t common = std::min(expected.size(), got.size());
    for (std::size_t index = 0; index < common; ++index)
        if (auto inner = part(expected[index], got[index], at / index)) return inner;
    if (expected.size() == got.size()) return std::nullopt;
    const bool missing = common < expected.size();
    return place(at / common, missing ? &expected[common] : nullptr,
                 missing ? nullptr : &got[common]);
}

std::optional<Place> part(const Json& expected, const Json& got, const Pointer& at) {
    if (expected == got) return std::nullopt;
    if (expected.is_object() && got.is_object()) return part_objects(expected, got, at);
    if (expected.is_array() && got.is_array()) return part_arrays(expected, got, at);
    return place(at, &expected, &got);
}

}  // namespace

std::optional<Place> first_difference(const Json& expected, const Json& got) {
    return part(expected, got, Pointer());
}

}  // namespace ballast::vectors
