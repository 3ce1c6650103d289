// Sums of sizes that stop at the ends of 64 bits.
#pragma once

#include <cstdint>
#include <limits>

namespace ballast::squeezed {

constexpr std::int64_t plus(std::int64_t a, std::int64_t b) noexcept {
    std::int64_t sum = 0;
    if (!__builtin_add_overflow(a, b, &sum)) return sum;
    return a < 0 ? std::numeric_limits<std::int64_t>::min()
                 : std::numeric_limits<std::int64_t>::max();
}

constexpr std::int64_t minus(std::int64_t a, std::int64_t b) noexcept {
    std::int64_t rest = 0;
    if (!__builtin_sub_overflow(a, b, &rest)) return rest;
    return a < 0 ? std::numeric_limits<std::int64_t>::min()
                 : std::numeric_limits<std::int64_t>::max();
}

}  // namespace ballast::squeezed
