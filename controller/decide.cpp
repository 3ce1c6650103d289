#include "controller/decide.h"

#include <algorithm>

namespace ballast {
namespace {

struct Wanted {
    std::uint64_t loan_bytes = 0;
    Constraint constraint = Constraint::none;
};

Wanted wanted_loan(const Decision& decision, const DecisionRules& rules) noexcept {
    const unsigned shift = decision.page_shift;
    const auto bounded_loan = rules.plans_loans ? rules.functions.planned : rules.functions.target;
    const CmmTarget target = bounded_loan(
        {
            // Toward zero, as the driver's div_s64 does.
            .request_pages = decision.request_bytes / (std::int64_t{1} << shift),
            .loaned_pages = decision.loaned_before_bytes >> shift,
            .total_pages = decision.total_bytes >> shift,
            .oom_credit_pages = decision.oom_freed_bytes >> shift,
            .min_mem_pages = decision.min_mem_bytes >> shift,
        },
        rules.cmm);
    return {target.loan_target_pages << shift, target.constraint};
}

Wanted limited_by_step(const Wanted& wanted, const Decision& decision,
                       std::uint64_t max_step_bytes) noexcept {
    const std::uint64_t page = std::uint64_t{1} << decision.page_shift;
    if (max_step_bytes == 0 || wanted.loan_bytes <= decision.loaned_before_bytes) return wanted;
    const std::uint64_t step = std::max(max_step_bytes & ~(page - 1), page);
    if (wanted.loan_bytes - decision.loaned_before_bytes <= step) return wanted;
    return {decision.loaned_before_bytes + step, Constraint::rate_limit};
}

// A guest is not asked for what it would be short of at once: it would be given everything back,
// and asked again after a while, for ever.
Wanted leaving_what_it_needs(const Wanted& wanted, const Decision& decision,
                             std::uint64_t lendable_bytes) noexcept {
    if (wanted.loan_bytes <= decision.loaned_before_bytes ||
        wanted.loan_bytes - decision.loaned_before_bytes <= lendable_bytes)
        return wanted;
    const std::uint64_t page = std::uint64_t{1} << decision.page_shift;
    return {decision.loaned_before_bytes + (lendable_bytes & ~(page - 1)), Constraint::guest_needs};
}

// A stuck guest is not asked for more than it gave before its time comes.
Wanted heeding_stuck(const Wanted& wanted, const Decision& decision, const Progress& progress,
                     Time now) noexcept {
    if (!progress.stuck) return wanted;
    if (wanted.loan_bytes > decision.loaned_before_bytes && now < progress.retry_at)
        return {decision.loaned_before_bytes, Constraint::stuck};
    const bool gives_back = wanted.loan_bytes < decision.loaned_before_bytes;
    return {wanted.loan_bytes, gives_back ? Constraint::stuck : wanted.constraint};
}

// A domain is given no more than the memory cgroup around it can hold.
Wanted within_limit(const Wanted& wanted, const Decision& decision) noexcept {
    const std::uint64_t least = least_loan_bytes(decision.total_bytes, decision.loaned_before_bytes,
                                                 decision.limit_bytes, decision.page_shift);
    if (wanted.loan_bytes >= least) return wanted;
    return {least, Constraint::memory_limit};
}

// Why a domain that nothing is asked of would not lend.
Constraint standing_reason(const GateAnswer& held, bool surging, const DomainControl& control,
                           Time now) noexcept {
    if (held.reason != Constraint::none) return held.reason;
    if (surging) return Constraint::surge;
    const bool waits = control.progress.stuck && now < control.progress.retry_at;
    return waits ? Constraint::stuck : Constraint::none;
}

}  // namespace

std::uint64_t least_loan_bytes(std::uint64_t total_bytes, std::uint64_t loaned_bytes,
                               std::uint64_t limit_bytes, unsigned page_shift) noexcept {
    if (limit_bytes >= total_bytes) return 0;
    const std::uint64_t page = std::uint64_t{1} << page_shift;
    const std::uint64_t beyond = total_bytes - (limit_bytes & ~(page - 1));
    return std::min(loaned_bytes, beyond);
}

void hold(const Observation& seen, std::size_t row, Constraint reason, const DomainControl& control,
          Decision& into) noexcept {
    const DomainTable& domains = seen.domains;
    into.total_bytes = domains.total_bytes[row];
    into.min_mem_bytes = control.min_mem_bytes;
    into.request_bytes = 0;
    into.request_reason = RequestReason::untold;
    into.held = false;
    into.hold_detail = HoldDetail::none;
    into.oom_freed_bytes = control.oom_freed_bytes;
    into.loaned_before_bytes = domains.loaned_bytes[row];
    into.loaned_after_bytes = into.loaned_before_bytes;
    into.decided_bytes = into.loaned_before_bytes;
    into.loan_target_bytes = control.loan_target_bytes;
    into.constraint = reason;
    into.outcome = StepStatus::done;
    into.flags = domains.flags[row];
    into.page_shift = domains.page_shift[row];
    into.disabled = control.disabled;
    into.unused_bytes = domains.unused_bytes[row];
    into.usable_bytes = domains.usable_bytes[row];
    into.node_mask = domains.node_mask[row];
    into.stats_age_ms = domains.stats_age_ms[row];
    into.limit_bytes = domains.limit_bytes[row];
}

void decide(const Observation& seen, std::size_t row, std::int64_t request_bytes, Time now,
            const DecisionRules& rules, DomainControl& control, Decision& into) noexcept {
    hold(seen, row, Constraint::none, control, into);
    into.request_bytes = request_bytes;

    const GateAnswer held = rules.functions.gate(control, into.flags, now, rules.gate);
    const bool surging = held.deflate && surges(seen, row, now, rules.surge, control);
    if (into.disabled || rules.evacuating) {
        // What we lent goes back whatever else is going on, unless nobody is there to take it.
        into.constraint = surging ? Constraint::surge : Constraint::disabled;
        if (!surging && !into.disabled) into.hold_detail = HoldDetail::evacuating;
        if (held.deflate) {
            const std::uint64_t own =
                std::min(into.loaned_before_bytes, control.original_loaned_bytes);
            const Wanted bounded = within_limit({own, into.constraint}, into);
            into.decided_bytes = bounded.loan_bytes;
            into.constraint = bounded.constraint;
            if (into.constraint != Constraint::disabled) into.hold_detail = HoldDetail::none;
        }
        return;
    }
    if (!held.inflate && !held.deflate) {
        into.constraint = held.reason;
        into.hold_detail = held.detail;
        return;
    }

    Wanted wanted = wanted_loan(into, rules);
    const std::uint64_t own_bytes =
        std::min(control.original_loaned_bytes, into.loaned_before_bytes);
    const bool bound = surging && wanted.loan_bytes > own_bytes;
    if (bound) wanted.loan_bytes = own_bytes;
    wanted = within_limit(wanted, into);
    if (wanted.loan_bytes > into.loaned_before_bytes && !held.inflate) {
        wanted = {into.loaned_before_bytes, held.reason};
    }
    wanted =
        leaving_what_it_needs(wanted, into, lendable_before_short(seen, row, rules.surge.limits));
    wanted = heeding_stuck(wanted, into, control.progress, now);
    wanted = limited_by_step(wanted, into, control.max_step_bytes);
    // What a guest in distress has back is told so, whoever wanted it: it is served first.
    const bool nothing_fits = wanted.constraint == Constraint::memory_limit &&
                              wanted.loan_bytes == into.loaned_before_bytes;
    if (!nothing_fits && (bound || (surging && wanted.loan_bytes < into.loaned_before_bytes)))
        wanted.constraint = Constraint::surge;
    into.decided_bytes = wanted.loan_bytes;
    into.constraint = wanted.constraint;
    // What would stand in the way is named before anything is wanted.
    if (into.constraint == Constraint::none && into.decided_bytes == into.loaned_before_bytes)
        into.constraint = standing_reason(held, surging, control, now);
    if (into.constraint == held.reason) into.hold_detail = held.detail;
    into.loan_target_bytes = wanted.loan_bytes;
    control.loan_target_bytes = wanted.loan_bytes;
}

}  // namespace ballast
