// Before the daemon goes: what was lent goes back.
#include <algorithm>
#include <numeric>

#include "base/log.h"
#include "base/saturating.h"
#include "base/units.h"
#include "controller/controller_state.h"

namespace ballast {
namespace {

// The host has no room for the rest once it had none so often in a row.
constexpr unsigned kFullFor = 3;

}  // namespace

void Controller::State::tell_of_crashed() const {
    for (std::size_t row = 0; row < ledger.controls().size(); ++row)
        if (has_crashed(row) && lent_bytes(row) > 0)
            log::warn("{}: the guest has crashed; it has {} back once it is reset",
                      ledger.names()->name[row], format_size(lent_bytes(row)));
}

void Controller::State::report_what_stays() const {
    if (!observed_once)
        log::warn("what a daemon before this one lent stays lent: {}", backend_error);
    const bool full = full_for >= kFullFor;
    for (std::size_t row = 0; row < ledger.controls().size(); ++row) {
        const std::uint64_t lent = lent_bytes(row);
        if (lent == 0 || has_crashed(row)) continue;
        const DomainKey& key = ledger.names()->key[row];
        const auto failed = stop_failures.find(key);
        std::string why(failure_texts.of(key));
        if (failed != stop_failures.end()) why = failed->second;
        if (why.empty() && full) why = room_text();
        if (why.empty()) why = "the guest has not taken it back";
        log::warn("{}: {} stay lent: {}", ledger.names()->name[row], format_size(lent), why);
    }
}

bool Controller::State::observe_to_stop() {
    // What a daemon before this one lent goes back as well.
    if (!observed_once && books == nullptr) return false;
    if (!observe()) return false;
    if (books != nullptr) books->follow(ledger.names());
    adopt_new_rows();
    const auto controls = ledger.controls();
    const Time now = clock.now();
    for (std::size_t row = 0; row < controls.size(); ++row) {
        const std::uint64_t loaned_bytes = seen.domains.loaned_bytes[row];
        DomainControl& control = controls[row];
        const bool unchanged = loaned_bytes == control.known_loaned_bytes;
        control.book_loaned(loaned_bytes);
        if (loaned_bytes == control.set_bytes) control.reached_set = true;
        if (backend.capabilities().asynchronous && !follow_reboot(row, now))
            nudge_silent_driver(row, unchanged, now);
    }
    return true;
}

// A guest touches what it has back only later: what the host had when the stop began is given once.
std::uint64_t Controller::State::room_to_stop() noexcept {
    const std::uint64_t room = room_bytes();
    const auto controls = ledger.controls();
    if (!stopping) {
        stopping = true;
        stop_budget_bytes = room;
        for (DomainControl& control : controls) {
            control.lent_at_stop_bytes = control.known_loaned_bytes;
            // Its driver may have begun anew unnoticed, and have nothing to report.
            control.silent_since = clock.now();
        }
    }
    std::uint64_t budget = stop_budget_bytes;
    for (std::size_t row = 0; row < controls.size(); ++row) {
        const std::uint64_t before = controls[row].lent_at_stop_bytes;
        if (before != kUnknownBytes) budget = less(budget, less(before, promised_loan_bytes(row)));
    }
    return std::min(room, budget);
}

bool Controller::State::give_everything_back() {
    process_events();
    if (dry_run) return true;
    const bool fresh = observe_to_stop();
    if (!observed_once) return books == nullptr || !books->owes();
    std::vector<std::size_t> rows(ledger.controls().size());
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    const GivenBack given = give_back(rows, room_to_stop());
    if (books != nullptr) books->keep(ledger.controls());
    keep_travelling_books(clock.now(), true);
    const std::uint64_t lent = lent_bytes();
    if (lent == 0) {
        tell_of_crashed();
        return true;
    }
    // All that is left has no room, and nothing is on its way that could change that.
    const bool full = fresh && given.asked_bytes == 0 && given.kept_bytes >= lent;
    full_for = full ? full_for + 1 : 0;
    if (full_for < kFullFor) return false;
    report_what_stays();
    tell_of_crashed();
    return true;
}

}  // namespace ballast
