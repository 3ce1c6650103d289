#include "policy/water_fill.h"

#include <algorithm>
#include <cmath>

namespace ballast {
namespace {

// Where the taker has all it may have.
double full_level(const Taker& taker) {
    if (taker.weight <= 0 || taker.most <= taker.base) return 0;
    return (taker.most - taker.base) / taker.weight;
}

struct Taken {
    double amount = 0;
    double slope = 0;  // how much more they take together as the level rises by one
};

Taken taken_at(std::span<const Taker> takers, double level) {
    Taken sum;
    for (const Taker& taker : takers) {
        sum.amount += taker.at(level);
        const double free = taker.base + level * taker.weight;
        if (free >= taker.least && free < taker.most) sum.slope += taker.weight;
    }
    return sum;
}

}  // namespace

double Taker::at(double level) const {
    return std::clamp(base + level * weight, least, most);
}

double fill_level(std::span<const Taker> takers, double amount) {
    constexpr int most_passes = 100;
    const double precision = std::max(1.0, std::fabs(amount) * 1e-9);
    double low = 0;
    double high = 0;
    for (const Taker& taker : takers) high = std::max(high, full_level(taker));
    if (taken_at(takers, high).amount <= amount) return high;
    // Newton's steps, which end soon as the sum is made of straight lines; halves where one leads
    // out of what is known.
    double level = low;
    for (int pass = 0; pass < most_passes && low < high; ++pass) {
        const Taken taken = taken_at(takers, level);
        const double missing = amount - taken.amount;
        if (std::fabs(missing) <= precision) break;
        (missing > 0 ? low : high) = level;
        const double step = taken.slope > 0 ? level + missing / taken.slope : low;
        level = step > low && step < high ? step : low + (high - low) / 2;
    }
    return level;
}

}  // namespace ballast
