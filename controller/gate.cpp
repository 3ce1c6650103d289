#include "controller/gate.h"

namespace ballast {
namespace {

constexpr GateAnswer kOpen{};

constexpr GateAnswer hold(Constraint reason, HoldDetail detail = HoldDetail::none) noexcept {
    return {reason, false, false, detail};
}
constexpr GateAnswer hold_inflation(Constraint reason,
                                    HoldDetail detail = HoldDetail::none) noexcept {
    return {reason, false, true, detail};
}

GateAnswer hotplug_gate(DomainControl& control, bool running, Time now,
                        const GateRules& rules) noexcept {
    const GateAnswer suspended =
        rules.always_give_back ? hold_inflation(Constraint::hotplug) : hold(Constraint::hotplug);
    if (running) return suspended;
    // A suspension that still lasts is slept through first; only then is the next one noticed.
    // While the domain is switched off, the driver has no thread that could notice anything.
    if (control.hotplug_occurred && !control.disabled && now >= control.held_until) {
        control.hotplug_occurred = false;
        control.held_for = Constraint::hotplug;
        control.hotplug_sleep_ends = now + control.hotplug_delay;
        control.held_until = control.hotplug_sleep_ends + rules.delay;
    }
    if (now < control.held_until) {
        if (control.held_for == Constraint::hotplug) return suspended;
        return hold(control.held_for, HoldDetail::just_enabled);
    }
    control.held_for = Constraint::none;
    return kOpen;
}

}  // namespace

void delay_changed(DomainControl& control, Time now, Duration delay) noexcept {
    if (control.held_for == Constraint::hotplug && now < control.hotplug_sleep_ends)
        control.held_until = control.hotplug_sleep_ends + delay;
}

GateAnswer gate(DomainControl& control, DomainFlags flags, Time now,
                const GateRules& rules) noexcept {
    constexpr DomainFlags kAnyHold =
        DomainFlags::paused | DomainFlags::migrating | DomainFlags::hotplug |
        DomainFlags::no_driver | DomainFlags::stale_stats | DomainFlags::pinned_memory |
        DomainFlags::starting | DomainFlags::unanswered | DomainFlags::crashed |
        DomainFlags::saving | DomainFlags::no_stats | DomainFlags::bad_stats;
    const bool quiet = (flags & kAnyHold) == DomainFlags::none && !control.paused &&
                       control.yielded != Yielded::control && !control.others_moving &&
                       !control.unsaved && !control.shrunk.open && !control.migrating &&
                       !control.hotplug_running && !control.hotplug_occurred &&
                       control.held_for == Constraint::none;
    if (quiet) return kOpen;

    if (control.migrating || has(flags, DomainFlags::migrating)) return hold(Constraint::migrating);
    if (has(flags, DomainFlags::saving)) return hold(Constraint::saving);
    if (has(flags, DomainFlags::crashed)) return hold(Constraint::crashed);
    if (control.paused || has(flags, DomainFlags::paused)) return hold(Constraint::paused);
    const GateAnswer hotplug = hotplug_gate(
        control, control.hotplug_running || has(flags, DomainFlags::hotplug), now, rules);
    if (hotplug.reason != Constraint::none) return hotplug;
    // The driver skips a poll whose H_GET_MPP failed.
    if (has(flags, DomainFlags::unanswered)) return hold(Constraint::backend_error);
    if (has(flags, DomainFlags::no_driver)) return hold(Constraint::no_driver);
    if (control.yielded == Yielded::control) return hold(Constraint::set_by_others);
    if (control.others_moving) return hold(Constraint::set_by_others, HoldDetail::balloon_moves);
    if (has(flags, DomainFlags::starting))
        return hold(Constraint::stale_stats, HoldDetail::starting);
    if (has(flags, DomainFlags::pinned_memory)) return hold_inflation(Constraint::pinned_memory);
    // Why its balloon shrank shows in its next statistics.
    if (control.shrunk.open)
        return hold_inflation(Constraint::stale_stats, HoldDetail::balloon_shrank);
    if (has(flags, DomainFlags::stale_stats)) return hold_inflation(Constraint::stale_stats);
    if (has(flags, DomainFlags::bad_stats)) return hold_inflation(Constraint::bad_stats);
    if (has(flags, DomainFlags::no_stats)) return hold_inflation(Constraint::no_stats);
    if (control.unsaved) return hold_inflation(Constraint::state_unsaved);
    return kOpen;
}

}  // namespace ballast
