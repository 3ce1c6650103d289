// What the controller does when the backend tells something between two observations.
#include "base/log.h"
#include "controller/controller_state.h"

namespace ballast {
namespace {

constexpr std::size_t kMostEarlyEvents = 65536;

void book_reboot(DomainControl& control) noexcept {
    // The guest starts over: its driver knows of no credit, and a shrinking loan is no shortage.
    control.oom_freed_bytes = 0;
    control.floor_bytes = 0;
    control.realign = Realign::no;
    // The driver begins anew: where it comes to rest is not somebody else's doing.
    control.rebooting = true;
    control.progress = {};
    control.shrunk = {};
    control.replaced = {};
    control.surge.faults_seen = kUnknownBytes;
}

}  // namespace

void Controller::State::apply_event(const Event& event) {
    if (feed != nullptr &&
        (event.kind == EventKind::backend_lost || event.kind == EventKind::backend_back))
        feed->event(event, "");
    if (event.kind == EventKind::backend_lost) {
        log::warn("lost the hypervisor: {}", event.detail);
        return;
    }
    if (event.kind == EventKind::backend_back) {
        log::info("the hypervisor is back{}",
                  event.detail.empty() ? "" : fmt::format(": {}", event.detail));
        retry_failed_moves();
        return;
    }
    const std::size_t row = ledger.row_of(event.domain);
    if (row == Ledger::npos) {
        // Gone already; or not observed yet, and then it counts from the first observation on.
        if (!observed_once && early_events.size() < kMostEarlyEvents) early_events.push_back(event);
        return;
    }
    if (feed != nullptr) feed->event(event, ledger.names()->name[row]);
    DomainControl& control = ledger.controls()[row];
    if (event.kind != EventKind::oom && event.kind != EventKind::move_failed)
        log::debug("{}: {}", ledger.names()->name[row], to_string(event.kind));
    switch (event.kind) {
        case EventKind::oom:
            rule_set.book_oom(event, control);
            count_oom(control, event.bytes);
            if (control.set_bytes != kUnknownBytes) {
                // What is on its way ends here, and what is set in the hypervisor has to follow.
                control.set_bytes = control.floor_bytes = control.known_loaned_bytes;
                control.realign = Realign::waiting;
            }
            log::warn("{}: out of memory, took back {}", ledger.names()->name[row],
                      format_size(event.bytes));
            return;
        case EventKind::hotplug_began:
            control.hotplug_running = true;
            control.hotplug_occurred = true;
            return;
        case EventKind::hotplug_ended:
        case EventKind::hotplug_cancelled:
            control.hotplug_running = false;
            return;
        case EventKind::migration_began:
            control.migrating = true;
            return;
        case EventKind::migration_ended:
            control.migrating = false;
            return;
        case EventKind::domain_paused:
            control.paused = true;
            return;
        case EventKind::domain_resumed:
            control.paused = false;
            return;
        case EventKind::guest_rebooted:
            book_reboot(control);
            return;
        case EventKind::move_failed:
            book_failure(row, event);
            return;
        case EventKind::domain_came:
        case EventKind::domain_went:
        case EventKind::balloon_changed:
        case EventKind::set_by_others:
        case EventKind::page_migrated:
        case EventKind::backend_lost:
        case EventKind::backend_back:
            return;  // the next observation tells all of it
    }
}

void Controller::State::process_events() {
    events_wait = false;
    inbox.drain(events);
    stats.events += events.size();
    for (const Event& event : events) apply_event(event);
}

}  // namespace ballast
