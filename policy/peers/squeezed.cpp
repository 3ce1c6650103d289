#include "policy/peers/squeezed.h"

#include <algorithm>

#include "policy/peers/squeezed_sums.h"

namespace ballast::squeezed {
namespace {

std::int64_t range_of(const Domain& domain) {
    return std::max(std::int64_t{0}, minus(domain.max_kib, domain.min_kib));
}

// What it frees for certain at its least: it may stay off its old and its new target.
std::int64_t sure_to_free(const Domain& domain, const Faults& faults) {
    std::int64_t freed = minus(domain.actual_kib, domain.min_kib);
    if (!faults.disable_inaccuracy_compensation)
        freed = minus(freed, plus(domain.inaccuracy_kib, domain.inaccuracy_kib));
    return std::max(std::int64_t{0}, freed);
}

// 0 .. 1; what is not a number (nothing to share, among nobody) is 0.
double fraction_of(std::int64_t surplus_kib, std::int64_t range_kib) {
    const double fraction = static_cast<double>(surplus_kib) / static_cast<double>(range_kib);
    return fraction > 0 ? std::min(fraction, 1.0) : 0.0;
}

// Of a range below 2^63 a fraction of 1 may come to 2^63 in doubles.
std::int64_t truncated(double kib) {
    return kib < 0x1p63 ? static_cast<std::int64_t>(kib) : std::numeric_limits<std::int64_t>::max();
}

}  // namespace

void compute_targets(const Host& host, std::int64_t host_target_kib, const Faults& faults,
                     std::vector<Target>& targets) {
    std::int64_t most_free_kib = host.free_kib;
    std::int64_t range_kib = 0;
    for (const Domain& domain : host.domains) {
        most_free_kib = plus(most_free_kib, sure_to_free(domain, faults));
        range_kib = plus(range_kib, range_of(domain));
    }
    const double fraction =
        fraction_of(std::max(std::int64_t{0}, minus(most_free_kib, host_target_kib)), range_kib);
    targets.clear();
    for (const Domain& domain : host.domains) {
        const double share_kib = fraction * static_cast<double>(range_of(domain));
        targets.push_back({domain.domid, plus(domain.min_kib, truncated(share_kib))});
    }
}

bool at_target(const Domain& domain, std::int64_t target_kib) noexcept {
    const std::int64_t off_kib = minus(domain.actual_kib, target_kib);
    return off_kib <= domain.inaccuracy_kib && off_kib >= -domain.inaccuracy_kib;
}

}  // namespace ballast::squeezed
