// What a backend tells between two observations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "model/constraint.h"
#include "model/domain.h"

namespace ballast {

enum class EventKind : std::uint8_t {
    domain_came,
    domain_went,
    domain_paused,
    domain_resumed,
    oom,              // the guest ran out of memory; `bytes` = what its notifier took back
    balloon_changed,  // `loaned_bytes` changed, by whomever
    hotplug_began,
    hotplug_ended,  // `bytes` = memory that left (or came)
    hotplug_cancelled,
    migration_began,
    migration_ended,
    backend_lost,    // the connection to the hypervisor broke; no domain
    backend_back,    // and is there again; no domain
    guest_rebooted,  // the balloon starts over; everything lent is with the guest again
    page_migrated,   // `bytes` of loaned pages were moved by the guest
    move_failed,     // a step that was accepted came to nothing; `detail` says why
    set_by_others,   // somebody else set the balloon; the domain lends `loaned_bytes` by that
};
inline constexpr std::size_t kEventKindCount = 17;

// Stable name used in JSON and text ("hotplug_began").
std::string_view to_string(EventKind kind) noexcept;

struct Event {
    EventKind kind = EventKind::domain_came;
    Time at{};
    DomainKey domain{};                          // all zero for events of the whole backend
    std::uint64_t bytes = 0;                     // see EventKind
    std::uint64_t loaned_bytes = kUnknownBytes;  // loaned after the event, where known
    std::string detail;                          // for people; may be empty
    // move_failed: why the move came to nothing.
    Constraint constraint = Constraint::none;
};

}  // namespace ballast
