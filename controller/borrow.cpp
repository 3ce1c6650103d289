// Lending for reservations: what the host lacks is taken from guests that can spare it.
#include <algorithm>
#include <utility>

#include "base/saturating.h"
#include "controller/controller_state.h"
#include "policy/lending.h"

namespace ballast {
namespace {

constexpr std::uint64_t kUnitBytes = kMiB;

// Twice what counts as shortage, and something where nothing does.
std::uint64_t keep_free_bytes(const GuestSettings& guests) noexcept {
    constexpr std::uint64_t kLeast = 128 * kMiB;
    constexpr std::uint64_t kMost = std::uint64_t{1} << 60U;
    return std::max(kLeast, 2 * std::min(guests.surge_below_bytes, kMost));
}

}  // namespace

// Nobody counts on domains that are held, left alone or stuck.
bool Controller::State::may_lend(std::size_t row) const {
    constexpr DomainFlags kHarmless = DomainFlags::deflate_on_oom | DomainFlags::carried_over;
    const DomainControl& control = ledger.controls()[row];
    return (seen.domains.flags[row] & ~kHarmless) == DomainFlags::none && !control.disabled &&
           !control.paused && !control.migrating && !control.hotplug_running &&
           control.held_for == Constraint::none && control.yielded != Yielded::control &&
           !control.progress.stuck && !control.unsaved && clock.now() >= control.surge.until;
}

// The loan that a domain is on its way to, as far as is known.
std::uint64_t Controller::State::intended_bytes(std::size_t row) const {
    const DomainControl& control = ledger.controls()[row];
    std::uint64_t intended = seen.domains.loaned_bytes[row];
    if (!may_lend(row)) return intended;
    if (control.set_bytes != kUnknownBytes) intended = std::max(intended, control.set_bytes);
    if (control.borrowed_bytes == 0) return intended;
    const std::uint64_t lendable_at_most =
        less(seen.domains.total_bytes[row], control.min_mem_bytes);
    const std::uint64_t wish =
        std::min(control.fixed_loan_bytes + control.borrowed_bytes, lendable_at_most);
    return std::max(intended, less(wish, control.oom_freed_bytes));
}

std::uint64_t Controller::State::lendable_bytes(std::size_t row) const {
    if (!may_lend(row)) return 0;
    const DomainControl& control = ledger.controls()[row];
    const DomainTable& domains = seen.domains;
    const std::uint64_t intended = intended_bytes(row);
    std::uint64_t usable_bytes = domains.usable_bytes[row];
    if (usable_bytes != kUnknownBytes)
        usable_bytes = less(usable_bytes, intended - domains.loaned_bytes[row]);
    return can_lend({.total_bytes = domains.total_bytes[row],
                     .loaned_bytes = intended,
                     .usable_bytes = usable_bytes,
                     .min_mem_bytes = control.min_mem_bytes,
                     .oom_freed_bytes = control.oom_freed_bytes,
                     .borrowed_bytes = control.borrowed_bytes,
                     .keep_free_bytes = keep_free_bytes(settings.guests)});
}

// What the host will have once all that is intended has been given.
std::uint64_t Controller::State::coming_bytes() const {
    std::uint64_t coming = seen.host.available_bytes;
    for (std::size_t row = 0; row < ledger.controls().size(); ++row)
        coming += intended_bytes(row) - seen.domains.loaned_bytes[row];
    return coming;
}

// Those who cannot lend now owe no more than they have given: others are asked in their place.
void Controller::State::forgive_lenders() {
    const auto controls = ledger.controls();
    for (std::size_t row = 0; row < controls.size(); ++row) {
        DomainControl& control = controls[row];
        if (control.borrowed_bytes == 0 || may_lend(row)) continue;
        control.borrowed_bytes = std::min(
            control.borrowed_bytes, less(seen.domains.loaned_bytes[row], control.fixed_loan_bytes));
    }
}

bool Controller::State::serves_reservations() const noexcept {
    return policy() != PolicyKind::cmm && policy() != PolicyKind::still;
}

void Controller::State::borrow() {
    reservations.follow(seen, host_reserve_bytes(), clock.now());
    surplus_due = reservations.take_ended() || surplus_due;
    const auto controls = ledger.controls();
    if (policy() != PolicyKind::fixed) {
        // It is told what is reserved, and asks for it by itself.
        for (DomainControl& control : controls) control.borrowed_bytes = 0;
        surplus_due = false;
        return;
    }
    if (reservations.list().empty() || evacuating) {
        if (surplus_due)
            for (DomainControl& control : controls) control.borrowed_bytes = 0;
        surplus_due = false;
        return;
    }
    forgive_lenders();
    if (seen.host.available_bytes == kUnknownBytes) return;
    const std::uint64_t wanted = reservations.outstanding_bytes() + host_reserve_bytes();
    const std::uint64_t coming = coming_bytes();
    lendable.resize(controls.size());
    shares.resize(controls.size());
    if (coming < wanted) {
        for (std::size_t row = 0; row < controls.size(); ++row) lendable[row] = lendable_bytes(row);
        spread(wanted - coming, lendable, kUnitBytes, shares);
        for (std::size_t row = 0; row < controls.size(); ++row)
            controls[row].borrowed_bytes += shares[row];
    } else if (std::exchange(surplus_due, false)) {
        for (std::size_t row = 0; row < controls.size(); ++row)
            lendable[row] = controls[row].borrowed_bytes;
        spread(coming - wanted, lendable, kUnitBytes, shares);
        for (std::size_t row = 0; row < controls.size(); ++row)
            controls[row].borrowed_bytes -= shares[row];
    }
}

}  // namespace ballast
