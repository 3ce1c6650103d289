// What a scenario's events do to the guests of the scripted hypervisor.
#include <algorithm>

#include "hv_backends/mock/mock_host.h"
#include "sim/domain_names.h"

namespace ballast {

void MockHost::happen(const ScenarioEvent& event, EventPhase phase) {
    for (std::size_t guest = 0; guest < guests_.size(); ++guest) {
        if (matches_domain(event.domain, names_[guest])) happen_to(event, phase, guest);
    }
}

void MockHost::happen_to(const ScenarioEvent& event, EventPhase phase, std::size_t guest_index) {
    MockGuest& guest = guests_[guest_index];
    if (event.action == ScenarioAction::domain_start) {
        if (!guest.present) come(guest_index);
        return;
    }
    if (!guest.present) return;
    const bool begins = phase != EventPhase::end;
    if (!begins && event.at < guest.since) return;  // began in an earlier life of the guest
    refresh(guest_index);                           // as it was until now
    const std::size_t row = guest.row;
    switch (event.action) {
        case ScenarioAction::loan_request:
            guest.loan_bytes = event.bytes;
            break;
        case ScenarioAction::used:
            guest.used_bytes = event.bytes;
            break;
        case ScenarioAction::oom:
            take_back(guest, guest.oom_release_bytes);
            break;
        case ScenarioAction::pause:
            mark(row, DomainFlags::paused, begins, EventKind::domain_paused,
                 EventKind::domain_resumed);
            break;
        case ScenarioAction::resume:
            mark(row, DomainFlags::paused, false, EventKind::domain_paused,
                 EventKind::domain_resumed);
            break;
        case ScenarioAction::migrate:
            mark(row, DomainFlags::migrating, begins, EventKind::migration_began,
                 EventKind::migration_ended);
            break;
        case ScenarioAction::driver_gone:
            flag(row, DomainFlags::no_driver, begins);
            break;
        case ScenarioAction::driver_slow:
            guest.balloon = begins ? BalloonMode::slow : BalloonMode::ideal;
            break;
        case ScenarioAction::driver_intermittent:
            guest.balloon = begins ? BalloonMode::intermittent : BalloonMode::ideal;
            break;
        case ScenarioAction::stats_stale:
            flag(row, DomainFlags::stale_stats, begins);
            break;
        case ScenarioAction::stats_lying:
            guest.lies = begins;
            break;
        case ScenarioAction::hotplug_remove:
        case ScenarioAction::hotplug_add:
        case ScenarioAction::hotplug_cancel:
            hotplug(event, begins, guest);
            break;
        case ScenarioAction::migrate_pages:
            tell(EventKind::page_migrated, row, std::min(event.bytes, table_.loaned_bytes[row]),
                 table_.loaned_bytes[row]);
            break;
        case ScenarioAction::domain_stop:
            go(guest_index);
            return;
        case ScenarioAction::domain_start:
        case ScenarioAction::reserve:
        case ScenarioAction::set_parameter:
            return;
    }
    refresh(guest_index);
}

void MockHost::hotplug(const ScenarioEvent& event, bool begins, MockGuest& guest) {
    const std::size_t row = guest.row;
    flag(row, DomainFlags::hotplug, begins);
    if (begins) {
        tell(EventKind::hotplug_began, row, event.bytes, table_.loaned_bytes[row]);
        return;
    }
    std::uint64_t moved = 0;
    std::uint64_t& total = table_.total_bytes[row];
    if (event.action == ScenarioAction::hotplug_add) {
        moved = event.bytes & ~page_mask(row);
        total += moved;
    } else if (event.action == ScenarioAction::hotplug_remove) {
        // What is lent cannot be taken out of the machine.
        moved = std::min(event.bytes & ~page_mask(row), total - table_.loaned_bytes[row]);
        total -= moved;
        guest.goal_bytes = std::min(guest.goal_bytes, total);
    }
    guest.model.set_capacity(static_cast<Bytes>(total));
    tell(event.action == ScenarioAction::hotplug_cancel ? EventKind::hotplug_cancelled
                                                        : EventKind::hotplug_ended,
         row, moved, table_.loaned_bytes[row]);
}

void MockHost::flag(std::size_t row, DomainFlags bit, bool on) {
    table_.flags[row] = on ? table_.flags[row] | bit : table_.flags[row] & ~bit;
}

void MockHost::mark(std::size_t row, DomainFlags bit, bool on, EventKind began, EventKind ended) {
    if (has(table_.flags[row], bit) == on) return;
    flag(row, bit, on);
    tell(on ? began : ended, row, 0, table_.loaned_bytes[row]);
}

void MockHost::come(std::size_t guest_index) {
    const std::size_t row = table_.size();
    table_.resize(row + 1);
    guest_of_row_.push_back(guest_index);
    guests_[guest_index].since = since_start();
    fill_row(row, guest_index);
    ++table_.membership;
    tell(EventKind::domain_came, row, 0, 0);
}

void MockHost::go(std::size_t guest_index) {
    const std::size_t row = guests_[guest_index].row;
    tell(EventKind::domain_went, row, 0, 0);
    guests_[guest_index].present = false;
    table_.remove_row(row);
    guest_of_row_[row] = guest_of_row_.back();
    guest_of_row_.pop_back();
    if (row < guest_of_row_.size()) guests_[guest_of_row_[row]].row = row;
    ++table_.membership;
}

void MockHost::tell(EventKind kind, std::size_t row, std::uint64_t bytes,
                    std::uint64_t loaned_bytes) {
    if (sink_ == nullptr) return;
    sink_->on_event({kind, clock_.now(), table_.key[row], bytes, loaned_bytes, {}});
}

}  // namespace ballast
