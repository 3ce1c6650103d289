// Compares our own policies with golden vectors: inputs and outputs of their originals.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ballast::vectors {

struct Difference {
    std::size_t line = 0;  // of the file, from 1
    std::string id;
    std::string kind;
    // Where in the output, as a JSON pointer, and what stands there, as JSON; "nothing" where
    // something is missing.
    std::string at;
    std::string expected;
    std::string got;
};

struct Comparison {
    std::string name;            // of the file
    std::uint64_t compared = 0;  // vectors
    std::uint64_t differ = 0;
    std::optional<Difference> first;
    // "FILE:LINE: expected ...", for lines that are no vector of the policy's.
    std::vector<std::string> malformed;
};

// Names that compare() takes, in order.
std::vector<std::string_view> policies();

// Runs each line of `text` (JSON lines: id, kind, input, output) through the policy and compares
// every key of the output: numbers by value, doubles to the last bit. Lines may also hold
// computations one after the other, each with its answer ("steps"). Errors: not_found, with the
// names that there are, for a policy that is not among them.
Result<Comparison> compare(std::string_view policy, std::string_view text, const std::string& name);

}  // namespace ballast::vectors
