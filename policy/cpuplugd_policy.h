// cpuplugd (policy/peers/cpuplugd.h) over Ballast's observations: each domain by itself, as if
// the daemon ran inside of it.
#pragma once

#include <memory>

#include "policy/policy.h"

namespace ballast {

// `choice` is one of cpuplugd, and its numbers are within their ranges. Errors: invalid_argument
// (a text does not parse, or names a figure that nobody tells of a guest).
Result<std::unique_ptr<Policy>> make_cpuplugd_policy(const PolicyChoice& choice);

}  // namespace ballast
