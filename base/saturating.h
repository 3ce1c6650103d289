// Arithmetic that stops at zero.
#pragma once

#include <algorithm>
#include <cstdint>

namespace ballast {

// a - b, or 0 where b is more.
constexpr std::uint64_t less(std::uint64_t a, std::uint64_t b) noexcept {
    return a - std::min(a, b);
}

}  // namespace ballast
