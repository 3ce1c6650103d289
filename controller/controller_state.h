// The controller's insides, split over tick.cpp, adopt.cpp, observed_changes.cpp, borrow.cpp,
// events.cpp, write_ahead.cpp, giving_back.cpp, stopping.cpp and commands.cpp.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "controller/allocator.h"
#include "controller/attributes.h"
#include "controller/book_keeper.h"
#include "controller/controller.h"
#include "controller/decide.h"
#include "controller/dry_run_log.h"
#include "controller/event_inbox.h"
#include "controller/failed_moves.h"
#include "controller/host_reserve.h"
#include "controller/ledger.h"
#include "controller/operator_view.h"
#include "controller/reservations.h"
#include "controller/resolve.h"
#include "policy/policy.h"
#include "policy/policy_inputs.h"

namespace ballast {

struct Controller::State {
    State(const Settings& initial, Backend& hypervisor, const Clock& time, bool dry,
          const RuleSet& functions);

    // tick.cpp
    void tick(Time due);
    bool observe();
    void decide_all(Time due, Snapshot& into);
    void publish(Snapshot& snapshot, Time due, Time began);

    // adopt.cpp
    void adopt_new_rows();
    struct TakenOver {
        StoredBooks books;
        std::string settings;
        bool from_hypervisor = false;  // nothing whole was on disk
    };
    bool take_over_books(std::size_t row);
    std::optional<TakenOver> books_of(std::size_t row);
    std::optional<CarriedBooks> plausible_carried_books(std::size_t row) const;
    void apply_stored_settings(std::size_t row, const std::string& text);
    void log_taken_over(std::size_t row, const TakenOver& taken);

    // write_ahead.cpp: nothing is lent before it is on disk what a domain came with.
    void mark_unsaved();
    void note_who_is_about_to_lend(const Snapshot& snapshot) noexcept;
    StateHealth state_health() const;
    void remember_settings(std::size_t row);
    void remember_settings_for_all();

    // observed_changes.cpp
    void book_observed_changes();
    bool follow_reboot(std::size_t row, Time now);
    void nudge_silent_driver(std::size_t row, bool unchanged, Time now);
    bool explain_smaller_balloon(std::size_t row, Time now);
    void credit_oom(std::size_t row);
    void count_oom(DomainControl& control, std::uint64_t freed_bytes) noexcept;
    void withdraw_credit(std::size_t row);
    void follow_realign(std::size_t row, Time now);
    void notice_others(std::size_t row, bool unchanged, Time now);
    void take_as_its_own(std::size_t row);
    void yield_to_others(std::size_t row);
    void tell_of_others(std::size_t row, std::uint64_t left_at_bytes);
    void decay_credit(std::size_t row, Time now);

    // travelling_books.cpp: what goes along when a domain goes elsewhere.
    // `urgently`: also where it was done a moment ago.
    void keep_travelling_books(Time now, bool urgently);

    // borrow.cpp: lends for reservations what is missing.
    void borrow();
    std::uint64_t host_reserve_bytes() const noexcept {
        return reserve_of(seen.host, settings.host);
    }
    // What somebody waits for; nobody while all is given back.
    std::uint64_t reserved_bytes() const noexcept {
        return evacuating ? 0 : reservations.outstanding_bytes();
    }
    // Whether the policy in charge frees host memory for whoever waits for it.
    bool serves_reservations() const noexcept;
    void call_off(std::size_t row, const Decision& decision) noexcept;
    bool may_lend(std::size_t row) const;
    std::uint64_t intended_bytes(std::size_t row) const;
    std::uint64_t lendable_bytes(std::size_t row) const;
    std::uint64_t coming_bytes() const;
    void forgive_lenders();

    // failed_moves.cpp
    void book_failure(std::size_t row, const Event& event);
    void forget_failure(std::size_t row);
    void retry_failed_moves() noexcept;
    void follow_failed_moves();
    void hold_failed_moves(Snapshot& snapshot);
    void show_failed_moves(Snapshot& snapshot);

    // events.cpp
    void process_events();
    void apply_event(const Event& event);

    // giving_back.cpp: what was lent goes back as far as the host has room, the neediest first.
    struct GivenBack {
        std::uint64_t asked_bytes = 0;  // by this call
        std::uint64_t kept_bytes = 0;   // for want of room
    };
    GivenBack give_back(std::span<const std::size_t> rows, std::uint64_t room_bytes);
    void give_back_and_log(std::span<const std::size_t> rows, std::uint64_t room_bytes);
    void give_back_switched_off(std::span<const std::size_t> rows);
    std::uint64_t reserve_bytes() const noexcept;
    std::uint64_t room_bytes() const noexcept;
    std::uint64_t promised_loan_bytes(std::size_t row) const noexcept;
    std::vector<std::size_t> neediest_first(std::span<const std::size_t> rows) const;
    std::string room_text() const;
    std::uint64_t lent_bytes() const noexcept;
    std::uint64_t lent_bytes(std::size_t row) const noexcept;
    std::uint64_t least_loan_bytes(std::size_t row) const noexcept;
    bool has_crashed(std::size_t row) const noexcept;

    // stopping.cpp
    bool give_everything_back();
    bool observe_to_stop();
    std::uint64_t room_to_stop() noexcept;
    void report_what_stays() const;
    void tell_of_crashed() const;

    // commands.cpp
    Result<void> set(Attribute attribute, std::string_view domain, std::uint64_t value);
    Result<std::string> get(Attribute attribute, std::string_view domain) const;
    GlobalAttributes global_attributes() const;
    DomainAttributes attributes_of_all() const;
    ReservationList reservation_list() const;
    // After each tick and each change.
    void publish_operator_view();
    Result<void> release(std::string_view domain);
    void settings_changed();
    // Of a domain that was yielded to somebody else; npos: of all.
    void take_control_again(std::size_t row) noexcept;
    void drop_useless_reservations();
    bool row_settings_changed(std::size_t row);

    Duration delay() const noexcept { return runtime.delay.value_or(settings.cmm.delay); }
    DecisionRules rules() const noexcept;
    PolicyKind policy() const noexcept;
    void make_request_policy();
    void ask_policy();
    bool is_held(std::size_t row) const noexcept;
    // Moves one row to `loaned_bytes` outside a tick.
    static std::uint64_t own_bytes(const DomainControl& control) noexcept;
    // Answers what went wrong; empty: nothing did, as far as is known.
    std::string move_now(std::size_t row, std::uint64_t loaned_bytes);
    void apply_debug_level() const noexcept;

    Settings settings;
    RuntimeSettings runtime;
    Backend& backend;
    const Clock& clock;
    const bool dry_run;
    const RuleSet rule_set;

    BusFeed* feed = nullptr;
    BookKeeper* books = nullptr;

    EventInbox inbox;
    bool events_wait = false;         // some were there before the moves of this tick began
    std::vector<Event> events;        // drained, being handled
    std::vector<Event> early_events;  // of domains that no observation has shown yet
    Observation seen;
    Ledger ledger;
    Reservations reservations;
    FailureTexts failure_texts;
    DryRunLog dry_run_log;
    std::vector<std::uint64_t> lendable;  // by row
    std::vector<std::uint64_t> shares;    // by row
    bool surplus_due = false;             // a reservation ended, and more is borrowed than needed
    Allocator allocator;
    std::unique_ptr<Policy> request_policy;
    PolicyChoice request_policy_choice;
    bool request_policy_was_chosen = false;  // not all by default
    PolicyInputsBuilder policy_inputs;
    std::vector<std::int64_t> request_bytes;  // by row
    SnapshotExchange snapshots;
    Snapshot unpublished;  // filled when readers hold every slot
    OperatorViews operator_views;
    bool operators_read = false;  // somebody asked for the views

    std::uint64_t membership_seen = 0;
    bool observed_once = false;
    bool evacuating = false;
    std::uint64_t unsaved_domains = 0;    // as of the last tick
    std::uint64_t recovered_domains = 0;  // since the start
    // While it stops.
    bool stopping = false;
    std::uint64_t stop_budget_bytes = 0;  // what the host could give when it began
    unsigned full_for = 0;                // looks in a row at which the host had no room
    std::unordered_map<DomainKey, std::string> stop_failures;  // the last of each domain
    std::uint64_t generation_seen = 0;
    bool backend_up = false;
    std::string backend_error;
    TickStats stats;
    TickHistogram histogram;
    BackendCalls calls;
};

}  // namespace ballast
