#include "controller/allocator.h"

#include <algorithm>
#include <limits>

#include "base/units.h"
#include "controller/shrunk_balloon.h"

namespace ballast {
namespace {

constexpr std::uint64_t kNudgeBytes = kMiB;

void count(BackendCalls& calls, StepStatus status) noexcept {
    switch (status) {
        case StepStatus::done:
            ++calls.apply_done;
            return;
        case StepStatus::accepted:
            ++calls.apply_accepted;
            return;
        case StepStatus::partial:
            ++calls.apply_partial;
            return;
        case StepStatus::refused:
            ++calls.apply_refused;
            return;
        case StepStatus::gone:
            ++calls.apply_gone;
            return;
        case StepStatus::failed:
            ++calls.apply_failed;
            return;
    }
}

}  // namespace

void Allocator::move(const DomainKey& domain, std::size_t row, std::uint64_t loaned_bytes,
                     DomainControl& control, Decision& decision, BackendCalls& calls,
                     std::vector<DomainTrouble>& troubles) {
    if (control.nudging && loaned_bytes == 0)
        loaned_bytes = std::max(kNudgeBytes, std::uint64_t{1} << decision.page_shift);
    // Asked for already, and on its way.
    if (control.set_bytes == loaned_bytes && !control.reached_set &&
        control.realign != Realign::due) {
        decision.outcome = StepStatus::accepted;
        return;
    }
    const std::uint64_t max_step = backend_.capabilities().max_step_bytes;
    std::uint64_t at = decision.loaned_after_bytes;
    const bool lends = loaned_bytes > at;
    const std::uint64_t target_before = control.loan_target_bytes;
    // As the driver counts pages: what an OOM takes back meanwhile does not make it more.
    std::uint64_t left = lends ? loaned_bytes - at : at - loaned_bytes;
    do {
        const std::uint64_t step =
            std::min({left, max_step == 0 ? left : max_step, lends ? left : at});
        const std::uint64_t next = lends ? at + step : at - step;
        left -= step;
        StepOutcome outcome = backend_.apply({row, domain, at, next});
        count(calls, outcome.status);
        decision.outcome = outcome.status;
        if (outcome.status == StepStatus::accepted) {
            const bool others_pending =
                control.asked_bytes != kUnknownBytes && !control.reached_set;
            replace_request(loaned_bytes, control);
            control.asked_bytes =
                others_pending ? std::max(control.asked_bytes, loaned_bytes) : loaned_bytes;
            control.set_bytes = loaned_bytes;
            control.floor_bytes = std::min(at, loaned_bytes);
            control.realign = Realign::no;
            control.reached_set = false;
            control.in_doubt = false;
            return;
        }
        after_step_();
        at = outcome.loaned_bytes;
        if (outcome.status != StepStatus::done) {
            decision.constraint = outcome.constraint == Constraint::none ? Constraint::backend_error
                                                                         : outcome.constraint;
            troubles.push_back({row, std::move(outcome.detail)});
            break;
        }
    } while (left > 0 && (lends || at > 0));
    decision.loaned_after_bytes = at;
    // An OOM in the middle of the move has set another.
    if (control.loan_target_bytes != target_before)
        decision.loan_target_bytes = control.loan_target_bytes;
    control.book_loaned(at);
}

void Allocator::run(const HostState& host, const AllocatorRules& rules, const DomainNames& names,
                    std::span<DomainControl> controls, std::span<Decision> decisions,
                    BackendCalls& calls, std::vector<DomainTrouble>& troubles) {
    give_back_.clear();
    inflate_.clear();
    for (std::size_t row = 0; row < decisions.size(); ++row) {
        const Decision& decision = decisions[row];
        if (decision.decided_bytes < decision.loaned_before_bytes) give_back_.push_back(row);
        if (decision.decided_bytes > decision.loaned_before_bytes) inflate_.push_back(row);
        if (decision.decided_bytes == decision.loaned_before_bytes &&
            controls[row].realign == Realign::due) {
            give_back_.push_back(row);
        }
    }
    if (give_back_.empty() && inflate_.empty()) return;

    const bool bounded = rules.host_reserve_bytes != 0 && host.available_bytes != kUnknownBytes;
    std::uint64_t room = std::numeric_limits<std::uint64_t>::max();
    if (bounded) {
        room = host.available_bytes - std::min(host.available_bytes, rules.host_reserve_bytes);
    }
    const auto move_row = [&](std::size_t row) {
        move(names.key[row], row, decisions[row].decided_bytes, controls[row], decisions[row],
             calls, troubles);
    };
    const auto give_back_what_fits = [&](bool last_chance) {
        std::erase_if(give_back_, [&](std::size_t row) {
            Decision& decision = decisions[row];
            const std::uint64_t wanted = decision.loaned_before_bytes - decision.decided_bytes;
            if (bounded && wanted > room) {
                if (last_chance) {
                    decision.constraint = Constraint::host_floor;
                    decision.decided_bytes = decision.loaned_before_bytes;
                }
                return false;
            }
            move_row(row);
            if (bounded) room -= wanted;
            return true;
        });
    };

    // Guests that are short are served first, and may draw on the reserve.
    std::erase_if(give_back_, [&](std::size_t row) {
        const Decision& decision = decisions[row];
        if (decision.constraint != Constraint::surge &&
            decision.request_reason != RequestReason::guest_short)
            return false;
        const std::uint64_t wanted = decision.loaned_before_bytes - decision.decided_bytes;
        move_row(row);
        if (bounded) room -= std::min(room, wanted);
        return true;
    });
    give_back_what_fits(false);
    for (const std::size_t row : inflate_) {
        Decision& decision = decisions[row];
        move_row(row);
        // Only what the guest has really released counts; an asynchronous one shows it later.
        if (bounded && decision.loaned_after_bytes > decision.loaned_before_bytes) {
            room += decision.loaned_after_bytes - decision.loaned_before_bytes;
        }
        const bool short_of_it =
            decision.outcome != StepStatus::done && decision.outcome != StepStatus::accepted;
        if (short_of_it) fall_back_(controls[row], decision);
    }
    if (!give_back_.empty()) give_back_what_fits(true);
}

}  // namespace ballast
