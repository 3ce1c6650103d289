// OOM credits that fade, where an operator wants them to.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace ballast {

// Pure. What is left of `credit_bytes` after `elapsed` when half of it goes in `half_life` (> 0).
// Never more than before.
std::uint64_t decayed_credit(std::uint64_t credit_bytes, Duration elapsed,
                             Duration half_life) noexcept;

}  // namespace ballast
