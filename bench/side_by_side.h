// Measures something beside its baseline: interleaved windows in one run, medians, a ratio.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace ballast::bench {

// One figure. Each function does its work once and answers for how many units (domains, records).
struct Case {
    std::string name;      // "decide.1000"
    std::string baseline;  // "pass"
    std::string unit;      // "ns/domain"
    std::function<std::size_t()> measured;
    std::function<std::size_t()> compared;
};

struct Figure {
    double median = 0;           // ns per unit
    double baseline_median = 0;  // ns per unit
    double ratio = 0;            // median of the windows' ratios
    double spread = 0;           // interquartile range of the ratios over their median
    std::size_t windows = 0;
};

// Runs `windows` pairs of windows of at least `window_ms` each; windows in which this thread was
// switched out are thrown away, and the pair runs again (at most ten times as many in all).
Figure run(const Case& item, std::size_t windows, double window_ms);

// Builds the cases only when asked for, because some are large.
struct NamedCase {
    std::string name;
    std::function<Case()> make;
};
std::vector<NamedCase> decide_cases();

}  // namespace ballast::bench
