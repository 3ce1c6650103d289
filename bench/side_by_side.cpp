#include "bench/side_by_side.h"

#include <sys/resource.h>

#include <algorithm>

#include "base/clock.h"

namespace ballast::bench {
namespace {

constexpr std::chrono::milliseconds window_length{5};

struct Window {
    double ns_per_unit = 0;
    bool clean = false;
};

long switches() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nivcsw;
}

Window one_window(const std::function<double()>& measure) {
    const long before = switches();
    const double ns_per_unit = measure();
    return {ns_per_unit, switches() == before};
}

double quantile(std::vector<double> values, double share) {
    std::sort(values.begin(), values.end());
    const double at = share * static_cast<double>(values.size() - 1);
    const auto low = static_cast<std::size_t>(at);
    const std::size_t high = std::min(low + 1, values.size() - 1);
    return values[low] + (at - static_cast<double>(low)) * (values[high] - values[low]);
}

}  // namespace

std::function<double()> timed(std::function<std::size_t()> work) {
    return [work = std::move(work)] {
        const SystemClock clock;
        const Time start = clock.now();
        std::size_t units = 0;
        Time now = start;
        do {
            units += work();
            now = clock.now();
        } while (now - start < window_length);
        return std::chrono::duration<double, std::nano>(now - start).count() /
               static_cast<double>(units);
    };
}

Figure run(const Case& item, std::size_t windows) {
    item.measured();  // warm up
    item.compared();
    std::vector<double> ours;
    std::vector<double> theirs;
    std::vector<double> ratios;
    for (std::size_t tried = 0; ours.size() < windows && tried < 10 * windows; ++tried) {
        const Window measured = one_window(item.measured);
        const Window compared = one_window(item.compared);
        if (!measured.clean || !compared.clean) continue;
        ours.push_back(measured.ns_per_unit);
        theirs.push_back(compared.ns_per_unit);
        ratios.push_back(measured.ns_per_unit / compared.ns_per_unit);
    }
    Figure figure;
    figure.windows = ours.size();
    if (ours.empty()) return figure;
    figure.median = quantile(ours, 0.5);
    figure.baseline_median = quantile(theirs, 0.5);
    figure.ratio = quantile(ratios, 0.5);
    figure.spread = (quantile(ratios, 0.75) - quantile(ratios, 0.25)) / figure.ratio;
    return figure;
}

}  // namespace ballast::bench
