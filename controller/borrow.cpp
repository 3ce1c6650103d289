// Lending for reservations: what the host lacks is taken from guests that can spare it.
#include <algorithm>

#include "controller/controller_state.h"
#include "policy/lending.h"

namespace ballast {
namespace {

constexpr std::uint64_t kUnitBytes = kMiB;

std::uint64_t set_or_loaned(const DomainControl& control, std::uint64_t loaned_bytes) noexcept {
    return control.set_bytes == kUnknownBytes ? loaned_bytes
                                              : std::max(loaned_bytes, control.set_bytes);
}

}  // namespace

// 0 for domains that are held, left alone or stuck: nobody counts on them.
std::uint64_t Controller::State::lendable_bytes(std::size_t row) const {
    constexpr DomainFlags kMayLend = DomainFlags::deflate_on_oom | DomainFlags::carried_over;
    const DomainControl& control = ledger.controls()[row];
    const DomainTable& domains = seen.domains;
    const bool held = (domains.flags[row] & ~kMayLend) != DomainFlags::none || control.disabled ||
                      control.paused || control.migrating || control.hotplug_running ||
                      control.held_for != Constraint::none || control.yielded == Yielded::control ||
                      control.progress.stuck || clock.now() < control.surge.until;
    if (held) return 0;
    const std::uint64_t loaned_bytes = domains.loaned_bytes[row];
    const std::uint64_t on_its_way = set_or_loaned(control, loaned_bytes) - loaned_bytes;
    std::uint64_t usable_bytes = domains.usable_bytes[row];
    if (usable_bytes != kUnknownBytes) usable_bytes -= std::min(usable_bytes, on_its_way);
    return can_lend({.total_bytes = domains.total_bytes[row],
                     .loaned_bytes = loaned_bytes + on_its_way,
                     .usable_bytes = usable_bytes,
                     .min_mem_bytes = control.min_mem_bytes,
                     .oom_freed_bytes = control.oom_freed_bytes,
                     // Twice what would count as shortage.
                     .keep_free_bytes = 2 * settings.guests.surge_below_bytes});
}

// What the host will have once all that is set has been given.
std::uint64_t Controller::State::coming_bytes() const {
    std::uint64_t coming = seen.host.available_bytes;
    const auto controls = ledger.controls();
    for (std::size_t row = 0; row < controls.size(); ++row) {
        const std::uint64_t loaned_bytes = seen.domains.loaned_bytes[row];
        coming += set_or_loaned(controls[row], loaned_bytes) - loaned_bytes;
    }
    return coming;
}

void Controller::State::borrow() {
    reservations.follow(seen, settings.host.reserve_bytes, clock.now());
    const bool ended = reservations.take_ended();
    const auto controls = ledger.controls();
    if (reservations.list().empty()) {
        if (!ended) return;
        for (DomainControl& control : controls) control.borrowed_bytes = 0;
        return;
    }
    if (seen.host.available_bytes == kUnknownBytes) return;
    const std::uint64_t wanted = reservations.outstanding_bytes() + settings.host.reserve_bytes;
    const std::uint64_t coming = coming_bytes();
    lendable.resize(controls.size());
    shares.resize(controls.size());
    if (coming < wanted) {
        for (std::size_t row = 0; row < controls.size(); ++row) lendable[row] = lendable_bytes(row);
        spread(wanted - coming, lendable, kUnitBytes, shares);
        for (std::size_t row = 0; row < controls.size(); ++row)
            controls[row].borrowed_bytes += shares[row];
    } else if (ended) {
        for (std::size_t row = 0; row < controls.size(); ++row)
            lendable[row] = controls[row].borrowed_bytes;
        spread(coming - wanted, lendable, kUnitBytes, shares);
        for (std::size_t row = 0; row < controls.size(); ++row)
            controls[row].borrowed_bytes -= shares[row];
    }
}

}  // namespace ballast
