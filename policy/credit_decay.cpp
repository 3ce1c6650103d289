#include "policy/credit_decay.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace ballast {

std::uint64_t decayed_credit(std::uint64_t credit_bytes, Duration elapsed,
                             Duration half_life) noexcept {
    if (elapsed <= Duration{0}) return credit_bytes;
    using Seconds = std::chrono::duration<double>;
    const double left = std::exp2(-(Seconds(elapsed) / Seconds(half_life)));
    const double bytes = static_cast<double>(credit_bytes) * left;
    // Rounding to the nearest double may come out above.
    return bytes < 0x1p64 ? std::min(credit_bytes, static_cast<std::uint64_t>(bytes))
                          : credit_bytes;
}

}  // namespace ballast
