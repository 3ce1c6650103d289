// oVirt's MOM as a request policy: samples every 5 s, rules over the last 10 of them.
#pragma once

#include <memory>

#include "policy/policy.h"

namespace ballast {

// `choice` is of kind mom.
std::unique_ptr<Policy> make_mom_policy(const PolicyChoice& choice);

}  // namespace ballast
