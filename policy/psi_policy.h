// Meta's senpai as a request policy: each guest is squeezed until it stalls a little.
#pragma once

#include <memory>

#include "policy/policy.h"

namespace ballast {

// How a guest that stalled for `stall_us` of a window is moved, as a share of its memory: > 0 gives
// back, < 0 takes. Pure. `budget_us` > 0; `most_probe` is the largest share that is taken.
double probe_share(double stall_us, double budget_us, double most_probe);

// `choice` is of kind psi.
std::unique_ptr<Policy> make_psi_policy(const PolicyChoice& choice);

}  // namespace ballast
