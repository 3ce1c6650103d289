// A guest that runs short has everything back at once, and is then left alone for a while.
#pragma once

#include <cstddef>

#include "base/clock.h"
#include "controller/domain_control.h"
#include "model/host.h"
#include "policy/distress.h"

namespace ballast {

struct SurgeRules {
    DistressLimits limits;
    Duration backoff{};  // doubles, up to 32 times, where a guest runs short soon again
};

// Follows the guest's count of faults; once per observation.
void follow_faults(Surge& surge, std::uint64_t major_faults, Time now) noexcept;

// True while nothing more than the domain came with may be lent: it runs short, or did lately.
// Figures that are stale or contradictory are not believed.
bool surges(const Observation& seen, std::size_t row, Time now, const SurgeRules& rules,
            DomainControl& control) noexcept;

// What the guest of row `row` can lend in addition before it would count as short, by its own
// figures. Largest value: no bound, also where its figures may be of before its balloon's last
// move.
std::uint64_t lendable_before_short(const Observation& seen, std::size_t row,
                                    const DistressLimits& limits) noexcept;

}  // namespace ballast
