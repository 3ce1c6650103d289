// squeezed (policy/peers/squeezed_calls.h) over Ballast's observations.
#pragma once

#include <memory>

#include "policy/policy.h"

namespace ballast {

// A domain's dynamic_min is its min_mem, its dynamic_max its total. Domains that are held are left
// out. `choice` is one of squeezed, and its numbers are within their ranges.
std::unique_ptr<Policy> make_squeezed_policy(const PolicyChoice& choice);

}  // namespace ballast
