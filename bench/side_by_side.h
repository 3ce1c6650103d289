// Measures something beside its baseline: interleaved windows in one run, medians, a ratio.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace ballast::bench {

// One figure. Each function measures one window and answers ns per unit, or NaN where the window
// was not clean: a thread of this process was switched out. See timed() and if_clean().
struct Case {
    std::string name;      // "decide.1000"
    std::string baseline;  // "pass"
    std::string unit;      // "ns/domain"
    std::function<double()> measured;
    std::function<double()> compared;
};

// A window of at least `length` that repeats `work`, which answers for how many units it was.
std::function<double()> timed(std::function<std::size_t()> work,
                              std::chrono::milliseconds length = std::chrono::milliseconds(5));
// The same answer, if nothing was switched out meanwhile.
std::function<double()> if_clean(std::function<double()> measure);

struct Figure {
    double median = 0;           // ns per unit
    double baseline_median = 0;  // ns per unit
    double ratio = 0;            // median of the windows' ratios
    double spread = 0;           // interquartile range of the ratios over their median
    std::size_t windows = 0;
};

// Runs `windows` pairs of windows; where one was not clean, the pair is thrown away and runs again
// (at most ten times as many in all).
Figure run(const Case& item, std::size_t windows);

// Builds the cases only when asked for, because some are large.
struct NamedCase {
    std::string name;
    std::function<Case()> make;
};
std::vector<NamedCase> bus_cases();
std::vector<NamedCase> compare_cases();
std::vector<NamedCase> decide_cases();
std::vector<NamedCase> libvirt_cases();  // none without $BALLAST_BENCH_URI
std::vector<NamedCase> module_ref_cases();
std::vector<NamedCase> probe_cases();
std::vector<NamedCase> simulate_cases();

}  // namespace ballast::bench
