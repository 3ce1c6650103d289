// The loan target of one domain: the kernel driver's arithmetic, to the page.
#pragma once

#include <cstdint>

#include "model/constraint.h"

namespace ballast {

// Where the arithmetic departs from the kernel driver's; all false is the driver. Each is explained
// in docs/cmm.md.
struct CmmSafeguards {
    // OOM credit counts at all (the driver: true). False only to show the harm.
    bool oom_credit = true;
    // The credit is taken off after the min_mem clamp as well, so that a huge request cannot void
    // it.
    bool credit_after_clamp = true;
};

// All in pages of the domain's own size. Values up to 2^51 pages; larger ones saturate.
struct CmmInputs {
    std::int64_t request_pages = 0;  // > 0 lend more, < 0 take back
    std::uint64_t loaned_pages = 0;
    std::uint64_t total_pages = 0;  // managed + loaned
    std::uint64_t oom_credit_pages = 0;
    std::uint64_t min_mem_pages = 0;
};

struct CmmTarget {
    std::uint64_t loan_target_pages = 0;
    Constraint constraint = Constraint::none;  // the one that bound: none, min_mem or oom_credit
};

// Pure. Follows cmm_get_mpp: target = request + loaned; below zero, or total below min_mem, becomes
// zero; the OOM credit comes off, not below zero; what is left of total may not be below min_mem.
// The answer is never above total - min_mem, never negative, and monotone in request_pages.
CmmTarget cmm_target(const CmmInputs& in, const CmmSafeguards& safeguards) noexcept;

// Pure. For a policy that plans a loan of its own and repeats it, or asks for nothing to keep it:
// the loan that it plans (request + loaned, not below zero) is bounded by total - min_mem - credit.
// cmm_target would take the credit off at each call, from what is lent already: right for a
// hypervisor that asks for an amount, but a loan that is to stay would shrink by the credit each
// tick. A credit alone never lowers a loan here: total - min_mem - credit is not below what the OOM
// left. oom_credit_pages counts where safeguards.oom_credit says so; credit_after_clamp has no
// meaning, as the credit counts nowhere else.
CmmTarget planned_loan(const CmmInputs& in, const CmmSafeguards& safeguards) noexcept;

}  // namespace ballast
