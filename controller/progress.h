// Guests that stop on the way to what was set are stuck: no use in asking on and on.
#pragma once

#include "base/clock.h"
#include "controller/domain_control.h"

namespace ballast {

struct StuckRules {
    Duration after{};  // without progress; 0 = no guest is ever stuck
    Duration retry_max{};
};

// After each observation, with the loan now seen. `standing_still`: the guest cannot move now, and
// nobody expects it to. A guest that becomes stuck while inflating has its set value pulled back
// (`realign`); one that is to take memory back keeps the offer, and is taken for silent where it is
// to have all. Either way it is left alone for `after`, then for twice that and so on, until it
// makes progress.
void watch_progress(DomainControl& control, std::uint64_t loaned_bytes, bool standing_still,
                    Time now, const StuckRules& rules) noexcept;

}  // namespace ballast
