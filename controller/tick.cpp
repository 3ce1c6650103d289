// One pass of the loop.
#include <algorithm>
#include <array>
#include <utility>

#include "base/log.h"
#include "controller/controller_state.h"
#include "controller/progress.h"
#include "policy/credit_decay.h"

namespace ballast {

Controller::State::State(const Settings& initial, Backend& hypervisor, const Clock& time, bool dry,
                         const RuleSet& functions)
    : settings(initial),
      backend(hypervisor),
      clock(time),
      dry_run(dry),
      rule_set(functions),
      allocator(hypervisor, functions.fall_back),
      // Whoever knows what readers pay here has chosen already.
      snapshots(initial.references.snapshot_refs == RefScheme::automatic
                    ? RefScheme::atomic
                    : initial.references.snapshot_refs) {
    apply_debug_level();
}

DecisionRules Controller::State::rules() const noexcept {
    const Safeguards& safeguards = settings.cmm.safeguards;
    return {
        .cmm = {.oom_credit = safeguards.oom_credit,
                .credit_after_clamp = safeguards.credit_after_clamp},
        .gate = {.delay = delay(), .always_give_back = safeguards.always_give_back},
        .surge = {.limits = {.below_bytes = settings.guests.surge_below_bytes,
                             .below_percent = settings.guests.surge_below_percent,
                             .faults_per_s =
                                 static_cast<double>(settings.guests.surge_faults_per_s)},
                  .backoff = settings.guests.surge_backoff},
        .functions = rule_set,
        .evacuating = evacuating,
    };
}

PolicyKind Controller::State::policy() const noexcept {
    const bool fixed = settings.cmm.simulate || settings.policy.name == "fixed";
    return fixed ? PolicyKind::fixed : PolicyKind::cmm;
}

bool Controller::State::observe() {
    const auto observed = backend.observe(seen);
    if (!observed) {
        ++calls.observe_failed;
        ++stats.observe_failures;
        const std::string message = observed.error().message();
        if (message != backend_error) log::warn("observing the hypervisor failed: {}", message);
        backend_error = message;
        backend_up = false;
        return false;
    }
    ++calls.observe_ok;
    if (!backend_error.empty()) log::info("the hypervisor answers again");
    backend_error.clear();
    backend_up = true;
    if (!observed_once || seen.domains.membership != membership_seen) {
        for (const std::size_t row : ledger.follow(seen.domains, settings, runtime)) {
            backend.set_guest_tunables(seen.domains.key[row],
                                       {ledger.controls()[row].oom_release_bytes});
        }
        membership_seen = seen.domains.membership;
        observed_once = true;
    }
    if (backend.generation() != generation_seen) {
        // Another backend knows nothing of the guests' tunables yet.
        generation_seen = backend.generation();
        const auto controls = ledger.controls();
        for (std::size_t row = 0; row < controls.size(); ++row)
            backend.set_guest_tunables(seen.domains.key[row], {controls[row].oom_release_bytes});
    }
    return true;
}

void Controller::State::adopt_new_rows() {
    const auto controls = ledger.controls();
    for (std::size_t row = 0; row < controls.size(); ++row) {
        DomainControl& control = controls[row];
        if (control.adopted) continue;
        const std::uint64_t loaned_bytes = seen.domains.loaned_bytes[row];
        control.original_loaned_bytes = loaned_bytes;
        control.known_loaned_bytes = loaned_bytes;
        control.loan_target_bytes = loaned_bytes;
        if (!control.fixed_is_configured) control.fixed_loan_bytes = loaned_bytes;
        control.adopted =
            take_over_books(row) || !has(seen.domains.flags[row], DomainFlags::starting);
    }
}

// True if the domain goes on where its books left off. No balloon moves because of it.
bool Controller::State::take_over_books(std::size_t row) {
    if (books == nullptr) return false;
    const bool carried_over = has(seen.domains.flags[row], DomainFlags::carried_over);
    const StoredBooks* const kept = books->take(seen.domains.key[row], carried_over);
    if (kept == nullptr) return false;
    DomainControl& control = ledger.controls()[row];
    const std::uint64_t loaned_bytes = seen.domains.loaned_bytes[row];
    control.original_loaned_bytes =
        std::min(kept->original_loaned_bytes, seen.domains.total_bytes[row]);
    control.oom_freed_bytes = kept->oom_freed_bytes;
    // The credit comes off again; what was lent for reservations, which nobody knows of now, goes
    // back.
    if (!control.fixed_is_configured)
        control.fixed_loan_bytes = std::min(
            loaned_bytes - std::min(loaned_bytes, kept->borrowed_bytes) + control.oom_freed_bytes,
            seen.domains.total_bytes[row]);
    control.asked_bytes = kept->set_bytes;
    if (kept->set_bytes != kUnknownBytes && loaned_bytes == kept->set_bytes) {
        control.set_bytes = kept->set_bytes;
        control.floor_bytes = kept->set_bytes;
        control.reached_set = true;
    }
    log::info(
        "{}: lends {}, and {} when it was last seen; {} of it are not ours to give back; its "
        "OOM credit is {}",
        seen.domains.name[row], format_size(loaned_bytes), format_size(kept->loaned_bytes),
        format_size(control.original_loaned_bytes), format_size(control.oom_freed_bytes));
    return true;
}

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
        follow_faults(control.surge, seen.domains.major_faults[row], now);
        if (settings.cmm.oom_half_life > Duration{0}) decay_credit(row, now);
        if (capabilities.asynchronous) {
            if (follow_reboot(row, now)) continue;
            if (capabilities.reports_oom || !infer_oom(row)) notice_others(row, unchanged);
            const bool standing_still =
                control.paused || control.migrating ||
                (seen.domains.flags[row] & kStandsStill) != DomainFlags::none;
            watch_progress(control, loaned_bytes, standing_still, now, stuck);
        }
        if (control.set_bytes == kUnknownBytes) continue;
        if (loaned_bytes == control.set_bytes) {
            control.reached_set = true;
            control.asked_bytes = control.set_bytes;
        }
        if (loaned_bytes >= control.floor_bytes) {
            control.floor_bytes =
                std::max(control.floor_bytes, std::min(loaned_bytes, control.set_bytes));
            if (control.realign == Realign::waiting && unchanged) control.realign = Realign::due;
        }
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
    return true;
}

// True if the guest took memory back by itself, which is credited.
bool Controller::State::infer_oom(std::size_t row) {
    DomainControl& control = ledger.controls()[row];
    const std::uint64_t loaned_bytes = seen.domains.loaned_bytes[row];
    if (control.set_bytes == kUnknownBytes || loaned_bytes >= control.floor_bytes ||
        !has(seen.domains.flags[row], DomainFlags::deflate_on_oom))
        return false;
    const std::uint64_t freed_bytes = control.floor_bytes - loaned_bytes;
    control.oom_freed_bytes += freed_bytes;
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
    return true;
}

// A balloon that is elsewhere than where it was left has been set by somebody else.
void Controller::State::notice_others(std::size_t row, bool unchanged) {
    DomainControl& control = ledger.controls()[row];
    const bool on_its_way = control.set_bytes != kUnknownBytes && !control.reached_set;
    if (!control.adopted || on_its_way || control.realign != Realign::no) return;
    const std::uint64_t loaned_bytes = seen.domains.loaned_bytes[row];
    const bool ours = control.set_bytes != kUnknownBytes;
    const std::uint64_t left_at = ours ? control.set_bytes : control.rest_bytes;
    control.rest_bytes = loaned_bytes;
    const bool moving = std::exchange(control.others_moving, false);
    if (left_at == kUnknownBytes || left_at == loaned_bytes) {
        control.others_told_bytes = kUnknownBytes;
        return;
    }
    if (!ours) {
        take_as_its_own(row);
    } else if (settings.guests.set_by_others == SetByOthers::override) {
        tell_of_others(row, left_at);
    } else if (!unchanged || !moving) {
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

void Controller::State::decide_all(Time due, Snapshot& into) {
    const auto controls = ledger.controls();
    const std::size_t rows = controls.size();
    request_bytes.resize(rows);
    const PolicyKind kind = policy();
    if (kind == PolicyKind::fixed) {
        fixed_loan_bytes.resize(rows);
        for (std::size_t row = 0; row < rows; ++row) {
            fixed_loan_bytes[row] = controls[row].fixed_loan_bytes + controls[row].borrowed_bytes;
        }
    }
    request_loans(kind, seen, {fixed_loan_bytes}, request_bytes);

    const DecisionRules decision_rules = rules();
    into.decisions.resize(rows);
    for (std::size_t row = 0; row < rows; ++row) {
        Decision& decision = into.decisions[row];
        decide(seen, row, request_bytes[row], due, decision_rules, controls[row], decision);
        if (controls[row].borrowed_bytes > 0 && decision.constraint == Constraint::none)
            decision.constraint = Constraint::reservation;
    }
}

void Controller::State::publish(Snapshot& snapshot, Time due, Time began) {
    const auto controls = ledger.controls();
    for (std::size_t row = 0; row < snapshot.decisions.size(); ++row) {
        snapshot.decisions[row].inflated_total_bytes = controls[row].inflated_total_bytes;
        snapshot.decisions[row].deflated_total_bytes = controls[row].deflated_total_bytes;
    }
    snapshot.gone_inflated_bytes = ledger.gone_inflated_bytes();
    snapshot.gone_deflated_bytes = ledger.gone_deflated_bytes();
    std::sort(snapshot.troubles.begin(), snapshot.troubles.end(),
              [](const DomainTrouble& a, const DomainTrouble& b) { return a.row < b.row; });

    stats.at = due;
    stats.wall = clock.wall_now();
    stats.late = began - due;
    stats.took = clock.now() - began;
    const double seconds = std::chrono::duration<double>(stats.took).count();
    const auto* const bound =
        std::lower_bound(kTickBoundsSeconds.begin(), kTickBoundsSeconds.end(), seconds);
    ++histogram.counts[static_cast<std::size_t>(bound - kTickBoundsSeconds.begin())];
    histogram.sum_seconds += seconds;

    snapshot.tick = stats;
    snapshot.tick_histogram = histogram;
    snapshot.host = seen.host;
    snapshot.backend_up = backend_up;
    snapshot.backend_name = backend.capabilities().name;
    snapshot.backend_error = backend_error;
    snapshot.policy_name = policy() == PolicyKind::fixed ? "fixed" : "cmm";
    snapshot.disabled = evacuating || runtime.defaults.disable.value_or(settings.cmm.disable);
    snapshot.delay = delay();
    snapshot.calls = calls;
    snapshot.names = ledger.names();
}

void Controller::State::tick(Time due) {
    const Time began = clock.now();
    ++stats.number;
    process_events();

    Snapshot* const slot = snapshots.begin();
    Snapshot& snapshot = slot != nullptr ? *slot : unpublished;
    snapshot.troubles.clear();

    const bool observed = observe();
    if (observed) {
        adopt_new_rows();
        for (const Event& event : std::exchange(early_events, {})) apply_event(event);
        book_observed_changes();
        borrow();
        decide_all(due, snapshot);
        if (!dry_run) {
            const std::uint64_t reserved = evacuating ? 0 : reservations.outstanding_bytes();
            const std::uint64_t spoken_for = settings.host.reserve_bytes + reserved;
            allocator.run(seen.host, {spoken_for}, *ledger.names(), ledger.controls(),
                          snapshot.decisions, calls, snapshot.troubles);
        }
    } else {
        // Nothing is known of now: show the last figures, and why nothing was decided.
        snapshot.decisions.resize(ledger.controls().size());
        for (std::size_t row = 0; row < snapshot.decisions.size(); ++row) {
            hold(seen, row, Constraint::backend_error, ledger.controls()[row],
                 snapshot.decisions[row]);
        }
    }
    if (observed && books != nullptr) books->keep(ledger.names(), ledger.controls());
    publish(snapshot, due, began);
    if (feed != nullptr) feed->tick(snapshot);
    if (slot != nullptr) snapshots.publish();
}

}  // namespace ballast
