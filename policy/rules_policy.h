// The policy `rules`: when to lend and how much, as an operator writes it. docs/rules.md.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "policy/policy.h"

namespace ballast {

// The figures that rules may name. Sizes are bytes, and counts grow since the guest's start.
std::span<const std::string_view> rules_figures() noexcept;

// `choice` is one of rules, and its numbers are within their ranges. Errors: invalid_argument, with
// the name of the rule and the column (a text does not parse).
Result<std::unique_ptr<Policy>> make_rules_policy(const PolicyChoice& choice);

}  // namespace ballast
