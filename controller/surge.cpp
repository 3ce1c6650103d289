#include "controller/surge.h"

#include <algorithm>
#include <chrono>
#include <limits>

namespace ballast {
namespace {

constexpr int kMostDoubled = 32;

DistressFigures figures(const Observation& seen, std::size_t row, double faults_per_s) noexcept {
    const DomainTable& domains = seen.domains;
    return {.kept_bytes = domains.total_bytes[row] -
                          std::min(domains.total_bytes[row], domains.loaned_bytes[row]),
            .usable_bytes = domains.usable_bytes[row],
            .major_faults_per_s = faults_per_s};
}

}  // namespace

void follow_faults(Surge& surge, std::uint64_t major_faults, Time now) noexcept {
    if (major_faults == surge.faults_seen) {
        // Guests tell once a period; none for long are none.
        if (now - surge.faults_at > std::chrono::seconds(10)) surge.faults_per_s = 0;
        return;
    }
    const std::chrono::duration<double> elapsed = now - surge.faults_at;
    const bool rises = major_faults != kUnknownBytes && surge.faults_seen != kUnknownBytes &&
                       major_faults > surge.faults_seen && elapsed.count() > 0;
    surge.faults_per_s =
        rises ? static_cast<double>(major_faults - surge.faults_seen) / elapsed.count() : 0;
    surge.faults_seen = major_faults;
    surge.faults_at = now;
}

bool surges(const Observation& seen, std::size_t row, Time now, const SurgeRules& rules,
            DomainControl& control) noexcept {
    Surge& surge = control.surge;
    if (now < surge.until) return true;
    const DomainTable& domains = seen.domains;
    const bool doubtful = has(domains.flags[row], DomainFlags::stale_stats) ||
                          has(domains.flags[row], DomainFlags::bad_stats);
    const bool has_lent = domains.loaned_bytes[row] > control.original_loaned_bytes;
    if (doubtful || !has_lent || !in_distress(figures(seen, row, surge.faults_per_s), rules.limits))
        return false;
    const bool soon_again = surge.wait != Duration{0} && now - surge.until < surge.wait;
    surge.wait =
        soon_again ? std::min(2 * surge.wait, kMostDoubled * rules.backoff) : rules.backoff;
    surge.until = now + surge.wait;
    return true;
}

std::uint64_t lendable_before_short(const Observation& seen, std::size_t row,
                                    const DistressLimits& limits) noexcept {
    if (has(seen.domains.flags[row], DomainFlags::late_stats))
        return std::numeric_limits<std::uint64_t>::max();
    return lendable_before_short(figures(seen, row, 0), limits);
}

}  // namespace ballast
