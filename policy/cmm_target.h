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

}  // namespace ballast
