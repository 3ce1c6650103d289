// What changed by itself between two ticks: guests that took memory back, started over or stopped
// moving, and balloons that somebody else set.
#include <algorithm>
#include <array>
#include <utility>

#include "base/log.h"
#include "base/saturating.h"
#include "controller/controller_state.h"
#include "controller/progress.h"
#include "controller/shrunk_balloon.h"
#include "policy/credit_decay.h"

namespace ballast {
namespace {

// QEMU tells of a balloon's moves once a second at most.
constexpr Duration kAtRest = std::chrono::milliseconds(2500);
// How long a driver has for the little that makes it tell.
constexpr Duration kNudge = std::chrono::seconds(10);
// A guest that takes memory back in steps is left alone so long after the last; a guest that is
// still short, for so long at most.
constexpr Duration kRealignAfter = std::chrono::seconds(2);
constexpr Duration kRealignLatest = std::chrono::minutes(1);

}  // namespace

void Controller::State::book_observed_changes() {
    const Capabilities& capabilities = backend.capabilities();
    const StuckRules stuck{settings.guests.stuck_after, settings.guests.stuck_retry_max};
    constexpr DomainFlags kStandsStill = DomainFlags::paused | DomainFlags::migrating |
                                         DomainFlags::saving | DomainFlags::crashed |
                                         DomainFlags::unanswered;
    const Time now = clock.now();
    const auto controls = ledger.controls();
    for (std::size_t row = 0; row < controls.size(); ++row) {
        DomainControl& control = controls[row];
        const std::uint64_t loaned_bytes = seen.domains.loaned_bytes[row];
        const bool unchanged = loaned_bytes == control.known_loaned_bytes;
        control.book_loaned(loaned_bytes);
        if (!unchanged) control.moved_at = now;
        follow_faults(control.surge, seen.domains.major_faults[row], now);
        if (settings.cmm.oom_half_life > Duration{0}) decay_credit(row, now);
        if (capabilities.asynchronous) {
            if (follow_reboot(row, now)) continue;
            nudge_silent_driver(row, unchanged, now);
            if (capabilities.reports_oom || !explain_smaller_balloon(row, now))
                notice_others(row, unchanged, now);
            const bool standing_still =
                control.paused || control.migrating || control.shrunk.open ||
                (seen.domains.flags[row] & kStandsStill) != DomainFlags::none;
            watch_progress(control, loaned_bytes, standing_still, now, stuck);
        }
        if (control.set_bytes == kUnknownBytes) continue;
        if (loaned_bytes == control.set_bytes) {
            control.reached_set = true;
            if (!control.in_doubt) control.asked_bytes = control.set_bytes;
        }
        if (loaned_bytes >= control.floor_bytes) {
            control.floor_bytes =
                std::max(control.floor_bytes, std::min(loaned_bytes, control.set_bytes));
        }
        follow_realign(row, now);
    }
}

// True while a guest that started over is not up again. Its balloon stays where it was until its
// driver begins, then starts from nothing: neither is the guest's wish, nor somebody else's.
bool Controller::State::follow_reboot(std::size_t row, Time now) {
    constexpr DomainFlags kNotUp = DomainFlags::starting | DomainFlags::no_stats;
    DomainControl& control = ledger.controls()[row];
    if (!control.rebooting) return false;
    control.rebooting = (seen.domains.flags[row] & kNotUp) != DomainFlags::none;
    control.floor_bytes = 0;
    control.reached_set = false;
    control.rest_bytes = kUnknownBytes;
    control.progress.since = now;
    control.silent_since = now;
    return true;
}

// A driver that begins with nothing to lend has nothing to tell: the hypervisor goes on showing the
// balloon of the one before it, and the memory seems to be lent still. A little to lend makes it
// tell.
void Controller::State::nudge_silent_driver(std::size_t row, bool unchanged, Time now) {
    DomainControl& control = ledger.controls()[row];
    if (!unchanged || seen.domains.loaned_bytes[row] == 0) {
        control.silent_since = Time{};
        control.nudged_until = Time{};
    }
    if (control.silent_since != Time{} && control.set_bytes == 0 &&
        now - control.silent_since >= kAtRest) {
        control.nudged_until = now + kNudge;
        control.silent_since = Time{};
    }
    control.nudging = now < control.nudged_until;
}

// True if the balloon shrank because the guest ran out of memory, which is credited, or if it is
// not known yet why.
bool Controller::State::explain_smaller_balloon(std::size_t row, Time now) {
    DomainControl& control = ledger.controls()[row];
    withdraw_credit(row);
    follow_shortage(seen, row, now, control);
    const ShrinkCause cause = explain_shrinking(seen, row, now, control);
    switch (cause) {
        case ShrinkCause::none:
            return false;
        case ShrinkCause::undecided:
            control.others_moving = false;
            return true;
        case ShrinkCause::out_of_memory:
            credit_oom(row);
            return true;
        case ShrinkCause::driver_restarted:
            log::debug("{}: its balloon driver began anew", seen.domains.name[row]);
            control.reached_set = false;
            control.progress = {};
            break;
        case ShrinkCause::own_move:
            return false;  // it may run out on its way as well
        case ShrinkCause::other:
            break;
    }
    control.floor_bytes = std::min(control.floor_bytes, seen.domains.loaned_bytes[row]);
    return false;
}

void Controller::State::count_oom(DomainControl& control, std::uint64_t freed_bytes) noexcept {
    ++control.ooms_total;
    ++stats.ooms;
    stats.oom_returned_bytes += freed_bytes;
}

void Controller::State::credit_oom(std::size_t row) {
    DomainControl& control = ledger.controls()[row];
    const std::uint64_t loaned_bytes = seen.domains.loaned_bytes[row];
    const std::uint64_t freed_bytes = less(control.shrunk.from_bytes, loaned_bytes);
    if (control.shrunk.from_rest) {
        control.shrunk.credited_bytes += freed_bytes;
        control.shrunk.set_bytes = std::max(control.shrunk.set_bytes, control.set_bytes);
    }
    control.oom_freed_bytes += freed_bytes;
    count_oom(control, freed_bytes);
    control.loan_target_bytes = loaned_bytes;
    control.set_bytes = loaned_bytes;
    control.floor_bytes = loaned_bytes;
    control.realign = Realign::waiting;
    if (feed != nullptr) {
        Event inferred;
        inferred.kind = EventKind::oom;
        inferred.domain = seen.domains.key[row];
        inferred.bytes = freed_bytes;
        feed->event(inferred, seen.domains.name[row]);
    }
    log::warn("{}: the guest ran out of memory and took back {}; credited, not asked for again",
              seen.domains.name[row], format_size(freed_bytes));
}

// A guest that ran out of memory lends nothing again by itself. One that does has a driver that
// began anew, which goes by what is set in the hypervisor: the balloon was empty for that.
void Controller::State::withdraw_credit(std::size_t row) {
    DomainControl& control = ledger.controls()[row];
    ShrunkBalloon& shrunk = control.shrunk;
    if (shrunk.credited_bytes == 0) return;
    const bool grows =
        control.realign == Realign::waiting && seen.domains.loaned_bytes[row] > control.set_bytes;
    if (grows) {
        log::info("{}: its balloon driver began anew; {} are credited no longer",
                  seen.domains.name[row], format_size(shrunk.credited_bytes));
        control.oom_freed_bytes = less(control.oom_freed_bytes, shrunk.credited_bytes);
        control.set_bytes = shrunk.set_bytes;
        control.reached_set = false;
        control.progress = {};
        control.realign = Realign::no;
    }
    if (control.realign != Realign::waiting) {
        shrunk.credited_bytes = 0;
        shrunk.set_bytes = 0;
    }
}

// What is set in the hypervisor follows once the guest takes no more back. Earlier, a guest that
// has gone on meanwhile would be asked to lend again what it needs.
void Controller::State::follow_realign(std::size_t row, Time now) {
    DomainControl& control = ledger.controls()[row];
    if (control.realign != Realign::waiting || control.shrunk.open) return;
    const Duration at_rest = now - control.moved_at;
    if (has(seen.domains.flags[row], DomainFlags::unanswered) || at_rest < kRealignAfter) return;
    const bool short_yet = control.shrunk.was_short && now - control.shrunk.short_at < kAtRest;
    if (!short_yet || at_rest >= kRealignLatest) control.realign = Realign::due;
}

// A balloon that is elsewhere than where it was left has been set by somebody else.
void Controller::State::notice_others(std::size_t row, bool unchanged, Time now) {
    DomainControl& control = ledger.controls()[row];
    const bool on_its_way = control.set_bytes != kUnknownBytes && !control.reached_set;
    if (!control.adopted || on_its_way || control.realign != Realign::no) {
        control.others_moving = false;
        return;
    }
    const std::uint64_t loaned_bytes = seen.domains.loaned_bytes[row];
    const bool ours = control.set_bytes != kUnknownBytes;
    const std::uint64_t left_at = ours ? control.set_bytes : control.rest_bytes;
    control.rest_bytes = loaned_bytes;
    const bool moving = std::exchange(control.others_moving, false);
    if (left_at == kUnknownBytes || left_at == loaned_bytes) {
        control.others_told_bytes = kUnknownBytes;
        return;
    }
    if (ours && control.in_doubt && loaned_bytes > control.original_loaned_bytes) {
        control.set_bytes = kUnknownBytes;  // it may have been asked for later than what is known
        control.rest_bytes = kUnknownBytes;
    } else if (!ours) {
        take_as_its_own(row);
    } else if (settings.guests.set_by_others == SetByOthers::override) {
        tell_of_others(row, left_at);
    } else if (!unchanged || !moving) {
        control.others_moving = true;
        control.others_moved_at = now;
    } else if (now - control.others_moved_at < kAtRest) {
        control.others_moving = true;  // where it comes to rest is what counts
    } else {
        tell_of_others(row, left_at);
        yield_to_others(row);
    }
}

// Nothing of ours is set: a guest that boots late comes to its own size. What was asked for and
// seemed to have failed may still come true, and is no part of that.
void Controller::State::take_as_its_own(std::size_t row) {
    DomainControl& control = ledger.controls()[row];
    const std::uint64_t loaned_bytes = seen.domains.loaned_bytes[row];
    const bool came_late = control.asked_bytes != kUnknownBytes &&
                           loaned_bytes > control.original_loaned_bytes &&
                           loaned_bytes <= control.asked_bytes;
    if (came_late) return;
    control.original_loaned_bytes = loaned_bytes;
    control.loan_target_bytes = loaned_bytes;
    if (control.yielded != Yielded::no || !control.fixed_is_configured)
        control.fixed_loan_bytes = loaned_bytes;
}

void Controller::State::yield_to_others(std::size_t row) {
    DomainControl& control = ledger.controls()[row];
    const std::uint64_t loaned_bytes = seen.domains.loaned_bytes[row];
    control.original_loaned_bytes = loaned_bytes;
    control.loan_target_bytes = loaned_bytes;
    // The credit comes off again.
    control.fixed_loan_bytes =
        std::min(loaned_bytes + control.oom_freed_bytes, seen.domains.total_bytes[row]);
    control.borrowed_bytes = 0;
    control.progress = {};
    control.set_bytes = kUnknownBytes;
    control.asked_bytes = kUnknownBytes;
    if (settings.guests.set_by_others == SetByOthers::release) {
        control.yielded = Yielded::control;
        return;
    }
    control.yielded = Yielded::size;
    // What is set in the hypervisor has to agree: a driver that starts anew goes by that.
    if (!dry_run) control.realign = Realign::due;
}

// Once for each size.
void Controller::State::tell_of_others(std::size_t row, std::uint64_t left_at_bytes) {
    const std::uint64_t loaned_bytes = seen.domains.loaned_bytes[row];
    DomainControl& control = ledger.controls()[row];
    if (std::exchange(control.others_told_bytes, loaned_bytes) == loaned_bytes) return;
    constexpr std::array<std::string_view, 3> kAnswers{
        "that is its size from now on", "it is to be set again", "it is left alone from now on"};
    log::warn("{}: somebody else set its balloon, from {} lent to {}: {}", seen.domains.name[row],
              format_size(left_at_bytes), format_size(loaned_bytes),
              kAnswers[static_cast<std::size_t>(settings.guests.set_by_others)]);
    if (feed == nullptr) return;
    Event noticed;
    noticed.kind = EventKind::set_by_others;
    noticed.domain = seen.domains.key[row];
    noticed.loaned_bytes = loaned_bytes;
    feed->event(noticed, seen.domains.name[row]);
}

void Controller::State::decay_credit(std::size_t row, Time now) {
    DomainControl& control = ledger.controls()[row];
    const Time since = std::exchange(control.credit_decayed_at, now);
    if (since == Time{} || control.oom_freed_bytes == 0) return;
    const std::uint64_t page_bytes = std::uint64_t{1} << seen.domains.page_shift[row];
    const std::uint64_t left =
        decayed_credit(control.oom_freed_bytes, now - since, settings.cmm.oom_half_life);
    // In whole pages, or rounding would take one at each tick; the time counts towards the next.
    const std::uint64_t gone = (control.oom_freed_bytes - left) & ~(page_bytes - 1);
    if (gone == 0) control.credit_decayed_at = since;
    control.oom_freed_bytes -= gone;
}

}  // namespace ballast
