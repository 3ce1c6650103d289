// Figures over time for simulated guests.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "model/scenario.h"

namespace ballast {

// The value of `curve` at `at` after the start. Pure: jitter comes from `seed` and the time alone,
// so the same arguments give the same bytes, 0 to 2^53. An empty curve is 0 everywhere.
std::uint64_t curve_value(const Curve& curve, Duration at, std::uint64_t seed) noexcept;

// SplitMix64: one step of a seeded sequence, for jitter and choices in simulations.
std::uint64_t mix(std::uint64_t value) noexcept;

}  // namespace ballast
