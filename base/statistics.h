// Order statistics of a few samples.
#pragma once

#include <cstddef>
#include <vector>

namespace ballast {

// The value below which `share` (0..1) of `sorted` lies, interpolated between neighbours. `sorted`
// is in ascending order and not empty. Pure.
double quantile(const std::vector<double>& sorted, double share) noexcept;

// Of samples in any order; all 0 where there are none.
struct Spread {
    std::size_t samples = 0;
    double min = 0;
    double median = 0;
    double interquartile_range = 0;
};
Spread spread_of(std::vector<double> samples);

}  // namespace ballast
