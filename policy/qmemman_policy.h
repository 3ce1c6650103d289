// Qubes OS' qmemman as a request policy.
#pragma once

#include <memory>

#include "policy/policy.h"

namespace ballast {

// `choice` is of kind qmemman.
std::unique_ptr<Policy> make_qmemman_policy(const PolicyChoice& choice);

}  // namespace ballast
