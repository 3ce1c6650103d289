#include "policy/rules_samples.h"

#include <algorithm>
#include <limits>

#include "base/saturating.h"

namespace ballast {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

double told(std::uint64_t value) {
    return value == kUnknownBytes ? kUnknown : static_cast<double>(value);
}

}  // namespace

RulesFigures rules_figures_of(const Observation& seen, std::size_t row, std::uint64_t min_mem_bytes,
                              double interval_s) noexcept {
    const HostState& host = seen.host;
    const DomainTable& domains = seen.domains;
    const std::uint64_t total = domains.total_bytes[row];
    const std::uint64_t loaned = domains.loaned_bytes[row];
    return {told(host.total_bytes),
            told(host.available_bytes),
            told(host.swap_total_bytes),
            told(host.swap_free_bytes),
            told(host.memory_stall_us),
            told(total),
            told(less(total, loaned)),
            told(loaned),
            told(min_mem_bytes),
            told(domains.unused_bytes[row]),
            told(domains.usable_bytes[row]),
            told(domains.cache_bytes[row]),
            told(domains.resident_bytes[row]),
            told(domains.major_faults[row]),
            told(domains.swapped_in_bytes[row]),
            told(domains.swapped_out_bytes[row]),
            interval_s};
}

RulesLayout::RulesLayout(std::initializer_list<const rules::Expression*> all) {
    for (std::size_t name = 0; name < kRulesFigures.size(); ++name) {
        Place& place = places_[name];
        place.first = size_;
        for (const rules::Expression* const each : all)
            if (each->uses(name))
                place.length = std::max(place.length, std::size_t{each->back(name)} + 1);
        size_ += place.length;
    }
}

void RulesHistory::add(const RulesLayout& layout, const RulesFigures& figures) noexcept {
    for (std::size_t name = 0; name < figures.size(); ++name) {
        const RulesLayout::Place& place = layout.place(name);
        if (place.length > 0) values[place.first + count % place.length] = figures[name];
    }
    ++count;
}

double RulesSamples::figure(std::size_t name, std::uint32_t back) const {
    const RulesLayout::Place& place = layout_.place(name);
    if (back >= std::min<std::uint64_t>(history_.count, place.length)) return kUnknown;
    return history_.values[place.first + (history_.count - 1 - back) % place.length];
}

}  // namespace ballast
