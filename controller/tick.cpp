// One pass of the loop.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "controller/controller_state.h"

namespace ballast {
Controller::State::State(const Settings& initial, Backend& hypervisor, const Clock& time, bool dry,
                         const RuleSet& functions)
    : settings(initial),
      backend(hypervisor),
      clock(time),
      dry_run(dry),
      rule_set(functions),
      allocator(hypervisor, functions.fall_back,
                [this] {
                    // What came with the observation waits for the next tick, as ever.
                    if (!backend.capabilities().asynchronous && !events_wait && inbox.pending())
                        process_events();
                }),
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
        .plans_loans = plans_loans(policy()),
    };
}

PolicyKind Controller::State::policy() const noexcept {
    if (settings.cmm.simulate) return PolicyKind::fixed;
    const PolicyEntry* const entry = find_policy(settings.policy.name);
    return entry == nullptr ? PolicyKind::cmm : entry->kind;
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
    estimate_usable(seen.domains);
    seen.at = clock.now();  // whatever the backend says of it: policies reckon by this clock
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
        retry_failed_moves();
        const auto controls = ledger.controls();
        for (std::size_t row = 0; row < controls.size(); ++row)
            backend.set_guest_tunables(seen.domains.key[row], {controls[row].oom_release_bytes});
    }
    return true;
}

// What the configuration chose; where a text of it does not parse, nothing moves.
void Controller::State::make_request_policy() {
    const PolicyKind kind = policy();
    const bool is_chosen = settings.policy.choice && settings.policy.choice->kind == kind;
    // At each tick: no copy is made to find that nothing has changed.
    const bool same = is_chosen ? request_policy_choice == *settings.policy.choice
                                : request_policy_choice.kind == kind && !request_policy_was_chosen;
    if (request_policy != nullptr && same) return;
    request_policy_was_chosen = is_chosen;
    request_policy_choice = is_chosen ? *settings.policy.choice : default_choice(kind);
    auto made = make_policy(request_policy_choice);
    if (!made) {
        log::error("policy {}: {}; no balloon moves", entry_of(kind).name, made.error().message());
        made = make_policy(default_choice(PolicyKind::still));
    }
    request_policy = std::move(*made);
}

// Reasons of the controller to leave a domain alone; the observation shows others (kHeldFlags).
bool Controller::State::is_held(std::size_t row) const noexcept {
    const DomainControl& control = ledger.controls()[row];
    return control.disabled || evacuating || control.paused || control.migrating ||
           control.hotplug_running || control.shrunk.open || control.yielded == Yielded::control ||
           (control.progress.stuck && clock.now() < control.progress.retry_at) ||
           clock.now() < control.surge.until ||
           has_to_wait(control.failed_move, false, clock.now());
}

void Controller::State::ask_policy() {
    request_bytes.resize(ledger.controls().size());
    make_request_policy();
    const HostInputs host{
        .reserve_bytes = host_reserve_bytes(),
        .reserved_bytes = reserved_bytes(),
        .short_below_bytes = settings.guests.surge_below_bytes,
        .short_below_percent = static_cast<std::uint32_t>(settings.guests.surge_below_percent)};
    const auto domain_of = [this](std::size_t row) {
        const DomainControl& control = ledger.controls()[row];
        return DomainInputs{.fixed_loan_bytes = control.fixed_loan_bytes + control.borrowed_bytes,
                            .min_mem_bytes = control.min_mem_bytes,
                            .oom_credit_bytes = control.oom_freed_bytes,
                            .set_bytes = control.set_bytes,
                            .shares = control.shares,
                            .held = is_held(row)};
    };
    request_policy->request(seen, policy_inputs.build(seen.domains, host, domain_of),
                            request_bytes);
}

// A policy that wants nothing more of a guest which still gives: it keeps what it has now.
void Controller::State::call_off(std::size_t row, const Decision& decision) noexcept {
    DomainControl& control = ledger.controls()[row];
    if (!serves_reservations() || policy() == PolicyKind::fixed) return;
    const bool gives = control.set_bytes != kUnknownBytes && !control.reached_set &&
                       control.realign == Realign::no &&
                       control.set_bytes > decision.loaned_before_bytes;
    if (gives && decision.request_bytes == 0 && decision.constraint == Constraint::none)
        control.realign = Realign::due;
}

void Controller::State::decide_all(Time due, Snapshot& into) {
    ask_policy();
    const auto reasons = request_policy->reasons();
    const auto controls = ledger.controls();
    const std::size_t rows = controls.size();
    const DecisionRules decision_rules = rules();
    into.decisions.resize(rows);
    for (std::size_t row = 0; row < rows; ++row) {
        Decision& decision = into.decisions[row];
        decide(seen, row, request_bytes[row], due, decision_rules, controls[row], decision);
        decision.request_reason = reasons.empty() ? RequestReason::untold : reasons[row];
        decision.held = policy_inputs.is_held(row);
        call_off(row, decision);
        if (controls[row].borrowed_bytes > 0 && decision.constraint == Constraint::none)
            decision.constraint = Constraint::reservation;
    }
}

void Controller::State::publish(Snapshot& snapshot, Time due, Time began) {
    const auto controls = ledger.controls();
    for (std::size_t row = 0; row < snapshot.decisions.size(); ++row) {
        snapshot.decisions[row].inflated_total_bytes = controls[row].inflated_total_bytes;
        snapshot.decisions[row].deflated_total_bytes = controls[row].deflated_total_bytes;
        snapshot.decisions[row].ooms_total = controls[row].ooms_total;
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
    snapshot.reserve_bytes = host_reserve_bytes() + reserved_bytes();
    snapshot.backend_up = backend_up;
    snapshot.backend_name = backend.capabilities().name;
    snapshot.backend_error = backend_error;
    snapshot.policy_name = entry_of(policy()).name;
    snapshot.disabled = evacuating || runtime.defaults.disable.value_or(settings.cmm.disable);
    snapshot.dry_run = dry_run;
    snapshot.delay = delay();
    snapshot.calls = calls;
    snapshot.state = state_health();
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
        if (books != nullptr) books->follow(ledger.names());
        adopt_new_rows();
        for (const Event& event : std::exchange(early_events, {})) apply_event(event);
        // A balloon that shrank by an OOM has not been set by an external program: the event that
        // says so may have come with the observation.
        if (backend.capabilities().asynchronous && backend.capabilities().reports_oom)
            process_events();
        book_observed_changes();
        follow_failed_moves();
        mark_unsaved();
        borrow();
        decide_all(due, snapshot);
        note_who_is_about_to_lend(snapshot);
        hold_failed_moves(snapshot);
        if (!dry_run) {
            const std::uint64_t spoken_for = host_reserve_bytes() + reserved_bytes();
            events_wait = inbox.pending();
            allocator.run(seen.host, {spoken_for}, *ledger.names(), ledger.controls(),
                          snapshot.decisions, calls, snapshot.troubles);
            show_failed_moves(snapshot);
        }
    } else {
        // Nothing is known of now: show the last figures, and why nothing was decided.
        snapshot.decisions.resize(ledger.controls().size());
        for (std::size_t row = 0; row < snapshot.decisions.size(); ++row) {
            hold(seen, row, Constraint::backend_error, ledger.controls()[row],
                 snapshot.decisions[row]);
        }
    }
    if (observed && books != nullptr) books->keep(ledger.controls());
    if (observed && !dry_run) keep_travelling_books(due, false);
    publish(snapshot, due, began);
    if (observed && dry_run) dry_run_log.tick(snapshot);
    if (feed != nullptr)
        feed->tick(snapshot, {seen.domains, ledger.controls(), host_reserve_bytes()});
    if (slot != nullptr) snapshots.publish();
    publish_operator_view();
}

}  // namespace ballast
