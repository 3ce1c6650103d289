#include "policy/peers/mom.h"

#include <algorithm>
#include <cmath>

namespace ballast::mom {
namespace {

bool worth_it(double size_kib, double cur_kib, const Rules& rules) {
    return std::fabs(size_kib - cur_kib) > rules.least_change * cur_kib;
}

// What a guest is not to fall below. "Used" counts its page cache, so that a guest which caches
// files hardly shrinks, however idle it is.
double floor_kib(const Guest& guest, double free_share) {
    const double used_kib = *guest.balloon_cur_average_kib - *guest.mem_unused_average_kib;
    return std::max(*guest.balloon_min_kib, used_kib + free_share * *guest.balloon_cur_kib);
}

bool knows_floor(const Guest& guest) {
    return guest.balloon_cur_kib && guest.balloon_cur_average_kib && guest.mem_unused_average_kib &&
           guest.balloon_min_kib;
}

Verdict shrink(const Guest& guest, double host_free, const Rules& rules) {
    if (!knows_floor(guest)) return {true, {}};
    // Critical: less than nothing is left free, the guest has to swap.
    const double free_share = host_free <= rules.pressure_critical
                                  ? -0.05 + host_free
                                  : rules.guest_free * (host_free / rules.pressure_threshold);
    const double cur_kib = *guest.balloon_cur_kib;
    const double size_kib =
        std::max(cur_kib * (1 - rules.most_change), floor_kib(guest, free_share));
    if (size_kib <= cur_kib && worth_it(size_kib, cur_kib, rules)) return {false, size_kib};
    return {};
}

Verdict grow(const Guest& guest, const Rules& rules) {
    if (!guest.balloon_cur_kib || !guest.balloon_max_kib) return {true, {}};
    const double cur_kib = *guest.balloon_cur_kib;
    // Nothing else is read of a guest that has all; one above its maximum stays there.
    if (!(cur_kib < *guest.balloon_max_kib)) return {};
    if (!knows_floor(guest)) return {true, {}};
    // The floor may lift it by more than `most_change`; the maximum wins over both.
    const double wanted_kib =
        std::max(cur_kib * (1 + rules.most_change), floor_kib(guest, rules.guest_free));
    const double size_kib = std::min(wanted_kib, *guest.balloon_max_kib);
    if (worth_it(size_kib, cur_kib, rules)) return {false, size_kib};
    return {};
}

}  // namespace

std::optional<double> average(std::span<const std::optional<double>> samples) {
    if (samples.empty()) return std::nullopt;
    double sum = 0;
    int known = 0;
    for (const std::optional<double>& sample : samples) {
        if (!sample) continue;
        sum += *sample;
        ++known;
    }
    return known == 0 ? 0 : sum / known;
}

std::optional<double> host_free(std::optional<double> free_average_kib,
                                std::optional<double> total_kib) {
    if (!free_average_kib || !total_kib || *total_kib == 0) return std::nullopt;
    return *free_average_kib / *total_kib;
}

Verdict judge(const Guest& guest, double host_free, const Rules& rules) {
    return host_free < rules.pressure_threshold ? shrink(guest, host_free, rules)
                                                : grow(guest, rules);
}

}  // namespace ballast::mom
