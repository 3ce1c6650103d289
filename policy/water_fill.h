// Shares an amount among takers by weight, each within its bounds.
#pragma once

#include <span>

namespace ballast {

// Takes clamp(base + level * weight, least, most). least <= most; weight >= 0; all finite.
struct Taker {
    double base = 0;
    double weight = 0;
    double least = 0;
    double most = 0;

    double at(double level) const;
};

// The level from 0 up at which all together take `amount`, to within a byte or a billionth of it;
// the lowest or highest level where they cannot. Pure. Linear in takers, a few dozen passes at
// most.
double fill_level(std::span<const Taker> takers, double amount);

}  // namespace ballast
