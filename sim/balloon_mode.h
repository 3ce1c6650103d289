// How a guest's balloon driver behaves, the same in every simulation.
#pragma once

#include <cmath>
#include <cstdint>

namespace ballast {

enum class BalloonMode : std::uint8_t {
    ideal,         // at its speed
    slow,          // at a hundredth of its speed
    stuck,         // not at all, not even for an out-of-memory
    intermittent,  // moves for half a minute, stands still for the next
};

// `at_s` since the start.
inline bool stands_still(BalloonMode mode, double at_s) noexcept {
    constexpr double kStandsFor_s = 30;
    return mode == BalloonMode::stuck ||
           (mode == BalloonMode::intermittent && std::fmod(at_s, 2 * kStandsFor_s) >= kStandsFor_s);
}

// Of a balloon that moves `bytes_per_s` when it is well; 0 = at once, there and here.
inline double speed_of(BalloonMode mode, double bytes_per_s) noexcept {
    constexpr double kSlowness = 100;
    constexpr double kSlowAtOnce = 1 << 24;  // what is slow where the balloon has no speed
    if (mode != BalloonMode::slow) return bytes_per_s;
    return bytes_per_s > 0 ? bytes_per_s / kSlowness : kSlowAtOnce;
}

}  // namespace ballast
