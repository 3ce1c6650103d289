#include "bench/side_by_side.h"

#include <sys/resource.h>

#include <cmath>
#include <limits>

#include "base/clock.h"
#include "base/statistics.h"

namespace ballast::bench {
namespace {

long switches() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nivcsw;
}

}  // namespace

std::function<double()> if_clean(std::function<double()> measure) {
    return [measure = std::move(measure)] {
        const long before = switches();
        const double ns_per_unit = measure();
        return switches() == before ? ns_per_unit : std::numeric_limits<double>::quiet_NaN();
    };
}

std::function<double()> timed(std::function<std::size_t()> work, std::chrono::milliseconds length) {
    return if_clean([work = std::move(work), length] {
        const SystemClock clock;
        const Time start = clock.now();
        std::size_t units = 0;
        Time now = start;
        do {
            units += work();
            now = clock.now();
        } while (now - start < length);
        return std::chrono::duration<double, std::nano>(now - start).count() /
               static_cast<double>(units);
    });
}

Figure run(const Case& item, std::size_t windows) {
    item.measured();  // warm up
    item.compared();
    std::vector<double> ours;
    std::vector<double> theirs;
    std::vector<double> ratios;
    for (std::size_t tried = 0; ours.size() < windows && tried < 10 * windows; ++tried) {
        const double measured = item.measured();
        const double compared = item.compared();
        if (!std::isfinite(measured) || !std::isfinite(compared)) continue;
        ours.push_back(measured);
        theirs.push_back(compared);
        ratios.push_back(measured / compared);
    }
    Figure figure;
    figure.windows = ours.size();
    if (ours.empty()) return figure;
    figure.median = spread_of(ours).median;
    figure.baseline_median = spread_of(theirs).median;
    const Spread ratio = spread_of(ratios);
    figure.ratio = ratio.median;
    figure.spread = ratio.interquartile_range / ratio.median;
    return figure;
}

}  // namespace ballast::bench
