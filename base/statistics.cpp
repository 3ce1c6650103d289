#include "base/statistics.h"

#include <algorithm>

namespace ballast {

double quantile(const std::vector<double>& sorted, double share) noexcept {
    const double at = share * static_cast<double>(sorted.size() - 1);
    const auto low = static_cast<std::size_t>(at);
    const std::size_t high = std::min(low + 1, sorted.size() - 1);
    return sorted[low] + (at - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

Spread spread_of(std::vector<double> samples) {
    if (samples.empty()) return {};
    std::sort(samples.begin(), samples.end());
    return {samples.size(), samples.front(), quantile(samples, 0.5),
            quantile(samples, 0.75) - quantile(samples, 0.25)};
}

}  // namespace ballast
