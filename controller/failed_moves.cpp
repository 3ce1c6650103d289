#include "controller/failed_moves.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "controller/controller_state.h"

namespace ballast {
namespace {

constexpr Duration kFirstWait = std::chrono::seconds(1);
constexpr Duration kLongestWait = std::chrono::minutes(1);
constexpr Duration kUrgentWait = std::chrono::seconds(5);
// A call that has not failed by then has succeeded; one that hangs is told of earlier.
constexpr Duration kFailsWithin = std::chrono::seconds(5);

}  // namespace

void book_failed_move(FailedMove& failed, Constraint constraint, std::uint64_t loaned_bytes,
                      Time now) noexcept {
    failed.wait = failed.wait == Duration{0} ? kFirstWait : std::min(2 * failed.wait, kLongestWait);
    failed.constraint = constraint == Constraint::none ? Constraint::backend_error : constraint;
    failed.failed_at = now;
    failed.asked_again_at = Time{};
    failed.loaned_bytes = loaned_bytes;
}

bool has_to_wait(const FailedMove& failed, bool urgent, Time now) noexcept {
    if (failed.constraint == Constraint::none || failed.constraint == Constraint::stuck)
        return false;
    if (failed.asked_again_at != Time{}) return false;
    const Duration wait = urgent ? std::min(failed.wait, kUrgentWait) : failed.wait;
    return now - failed.failed_at < wait;
}

bool is_over(const FailedMove& failed, std::uint64_t loaned_bytes, Time now) noexcept {
    if (failed.asked_again_at == Time{}) return false;
    return loaned_bytes != failed.loaned_bytes || now - failed.asked_again_at >= kFailsWithin;
}

bool FailureTexts::set(const DomainKey& domain, std::string text) {
    const auto known = by_domain_.find(domain);
    if (known != by_domain_.end() && known->second == text) return false;
    erase(domain);
    const bool is_new = ++domains_with_[text] == 1;
    by_domain_.emplace(domain, std::move(text));
    return is_new;
}

void FailureTexts::erase(const DomainKey& domain) {
    const auto known = by_domain_.find(domain);
    if (known == by_domain_.end()) return;
    const auto count = domains_with_.find(known->second);
    if (--count->second == 0) domains_with_.erase(count);
    by_domain_.erase(known);
}

std::string_view FailureTexts::of(const DomainKey& domain) const {
    const auto known = by_domain_.find(domain);
    return known == by_domain_.end() ? std::string_view() : std::string_view(known->second);
}

void Controller::State::book_failure(std::size_t row, const Event& event) {
    DomainControl& control = ledger.controls()[row];
    const std::string& name = ledger.names()->name[row];
    ++calls.apply_failed;
    book_failed_move(control.failed_move, event.constraint, control.known_loaned_bytes,
                     clock.now());
    if (failure_texts.set(event.domain, event.detail))
        log::warn(
            "{}: the balloon was not set: {}; tried again at growing intervals of up to 1 "
            "min; domains with the same error are not logged",
            name, event.detail);
    else
        log::debug("{}: the balloon was not set: {}", name, event.detail);
    // Nothing is on its way.
    control.set_bytes = kUnknownBytes;
    control.rest_bytes = kUnknownBytes;
    control.realign = Realign::no;
}

void Controller::State::forget_failure(std::size_t row) {
    ledger.controls()[row].failed_move = {};
    failure_texts.erase(ledger.names()->key[row]);
}

// The hypervisor, or the way to it, is another one: each domain is tried again at once.
void Controller::State::retry_failed_moves() noexcept {
    for (DomainControl& control : ledger.controls()) control.failed_move.wait = Duration{0};
}

void Controller::State::follow_failed_moves() {
    if (failure_texts.empty()) return;
    failure_texts.keep_only(
        [this](const DomainKey& key) { return ledger.row_of(key) != Ledger::npos; });
    const auto controls = ledger.controls();
    for (std::size_t row = 0; row < controls.size(); ++row)
        if (is_over(controls[row].failed_move, seen.domains.loaned_bytes[row], clock.now()))
            forget_failure(row);
}

// Leaves domains alone whose next attempt is not due.
void Controller::State::hold_failed_moves(Snapshot& snapshot) {
    if (failure_texts.empty()) return;
    const auto controls = ledger.controls();
    for (std::size_t row = 0; row < controls.size(); ++row) {
        Decision& decision = snapshot.decisions[row];
        const bool urgent = decision.constraint == Constraint::surge;
        if (!has_to_wait(controls[row].failed_move, urgent, clock.now())) continue;
        if (decision.decided_bytes != decision.loaned_before_bytes)
            decision.outcome = StepStatus::failed;
        decision.decided_bytes = decision.loaned_before_bytes;
        controls[row].realign = Realign::no;
    }
}

// Names the failure until a move has succeeded.
void Controller::State::show_failed_moves(Snapshot& snapshot) {
    if (failure_texts.empty()) return;
    const auto controls = ledger.controls();
    const auto told = static_cast<std::ptrdiff_t>(snapshot.troubles.size());
    for (std::size_t row = 0; row < controls.size(); ++row) {
        FailedMove& failed = controls[row].failed_move;
        Decision& decision = snapshot.decisions[row];
        if (failed.constraint == Constraint::none) continue;
        const bool asked = decision.decided_bytes != decision.loaned_before_bytes &&
                           decision.outcome == StepStatus::accepted;
        if (asked && failed.asked_again_at == Time{}) failed.asked_again_at = clock.now();
        const bool is_shown = asked || decision.outcome == StepStatus::failed ||
                              has_to_wait(failed, false, clock.now());
        const bool has_trouble =
            std::any_of(snapshot.troubles.begin(), snapshot.troubles.begin() + told,
                        [row](const DomainTrouble& trouble) { return trouble.row == row; });
        if (!is_shown || has_trouble) continue;
        decision.constraint = failed.constraint;
        snapshot.troubles.push_back({row, std::string(failure_texts.of(ledger.names()->key[row]))});
    }
}

}  // namespace ballast
