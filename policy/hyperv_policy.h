// What is published of Hyper-V's Dynamic Memory as a request policy: demand, a buffer, weights. The
// rest is ours.
#pragma once

#include <memory>

#include "policy/policy.h"

namespace ballast {

// `choice` is of kind hyperv.
std::unique_ptr<Policy> make_hyperv_policy(const PolicyChoice& choice);

}  // namespace ballast
