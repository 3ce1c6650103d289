// One bounded move of one domain's balloon, and what came of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "model/constraint.h"
#include "model/domain.h"

namespace ballast {

// Loaned bytes to go from and to; to > from inflates. Both are whole guest pages.
struct Step {
    std::size_t row = 0;  // in the last observation
    DomainKey domain{};   // of that row; a backend answers `gone` if it does not match
    std::uint64_t loaned_from_bytes = 0;
    std::uint64_t loaned_to_bytes = 0;
};

enum class StepStatus : std::uint8_t {
    done,      // loaned is loaned_to now, or less: what the guest took back meanwhile, as an event
               // tells
    accepted,  // asked for; the guest moves in its own time and observe() will tell
    partial,   // some of it happened; loaned_bytes says how much
    refused,   // nothing moved, by the hypervisor's or the guest's decision
    gone,      // the domain is no longer there
    failed,    // the backend broke; loaned_bytes is the last known figure
};
inline constexpr std::size_t kStepStatusCount = 6;
std::string_view to_string(StepStatus status) noexcept;

struct StepOutcome {
    StepStatus status = StepStatus::done;
    // Loaned after the step, where the backend knows at once; for `accepted` the figure before.
    std::uint64_t loaned_bytes = 0;
    // Why it stopped short; none for done and accepted.
    Constraint constraint = Constraint::none;
    std::string detail;  // for people; empty unless it stopped short
};

}  // namespace ballast
