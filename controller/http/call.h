// One routed request, with what its path, query and body say.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "controller/http/api.h"
#include "controller/http/json.h"
#include "controller/http/target.h"

namespace ballast {

struct Api::Call {
    const Request& request;
    const Target& target;
    std::string_view pattern;

    // The segment that stands for `{word}` in the pattern; empty if there is none.
    std::string parameter(std::string_view word) const;

    // The named query parameter as a number of 0 .. max, or `otherwise` where it is absent. Error:
    // invalid_argument.
    Result<std::uint64_t> number(std::string_view name, std::uint64_t otherwise,
                                 std::uint64_t max) const;
    // Error: invalid_argument if the query holds a name that is not in `known`, or one twice.
    Result<void> only_parameters(std::initializer_list<std::string_view> known) const;

    // The body's string fields, a JSON object with none but `known`; empty where the body is.
    // Error: invalid_argument.
    Result<std::map<std::string, std::string>> body_fields(
        std::initializer_list<std::string_view> known) const;
    // The string field `name` of the body, a JSON object with no other field; nullopt where the
    // body is empty or lacks it. Error: invalid_argument.
    Result<std::optional<std::string>> body_field(std::string_view name) const;
};

// True if the decoded segments fit the pattern.
bool matches(std::string_view pattern, const Target& target);

}  // namespace ballast
