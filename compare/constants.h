// The simulator's constants by name, for command lines and documents.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "compare/run.h"

namespace ballast::compare {

struct ConstantEntry {
    std::string_view name;  // with its unit
    double least = 0;
    double most = 0;
    double (*get)(const Constants&) = nullptr;
    void (*set)(Constants&, double) = nullptr;
    std::string_view meaning;  // one line for people
};

// docs/simulator.md tells why each is what it is by default.
std::span<const ConstantEntry> constant_catalogue() noexcept;

// Reads "NAME=VALUE" into `constants`. Errors: invalid_argument, with the names or the range.
Result<void> set_constant(Constants& constants, std::string_view text);

}  // namespace ballast::compare
