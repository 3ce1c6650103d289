#include "policy/cmm_target.h"

#include <algorithm>

namespace ballast {
namespace {

// 2^51 pages of 4 KiB are 2^63 bytes: beyond any machine, and sums of three still fit in 64 bits.
constexpr std::uint64_t kMaxPages = std::uint64_t{1} << 51U;

std::int64_t bounded(std::uint64_t pages) noexcept {
    return static_cast<std::int64_t>(std::min(pages, kMaxPages));
}

// The inputs, saturated and signed, so that no sum or difference of them wraps.
struct Pages {
    std::int64_t wanted;  // request + loaned, >= 0
    std::int64_t total;
    std::int64_t min_mem;
    std::int64_t credit;
};

Pages pages_of(const CmmInputs& in, const CmmSafeguards& safeguards) noexcept {
    constexpr auto kMaxRequest = static_cast<std::int64_t>(kMaxPages);
    const std::int64_t request = std::clamp(in.request_pages, -kMaxRequest, kMaxRequest);
    return {.wanted = std::max<std::int64_t>(request + bounded(in.loaned_pages), 0),
            .total = bounded(in.total_pages),
            .min_mem = bounded(in.min_mem_pages),
            .credit = safeguards.oom_credit ? bounded(in.oom_credit_pages) : 0};
}

CmmTarget answer(std::int64_t target, std::int64_t wanted, std::int64_t lendable) noexcept {
    Constraint constraint = Constraint::none;
    if (target < wanted) {
        // Beyond what min_mem allows, the clamp binds; otherwise only the credit can have.
        constraint = wanted > lendable ? Constraint::min_mem : Constraint::oom_credit;
    }
    return {static_cast<std::uint64_t>(target), constraint};
}

}  // namespace

CmmTarget cmm_target(const CmmInputs& in, const CmmSafeguards& safeguards) noexcept {
    const Pages pages = pages_of(in, safeguards);
    if (pages.total < pages.min_mem) return answer(0, pages.wanted, -1);
    const std::int64_t lendable = pages.total - pages.min_mem;
    const std::int64_t after_credit = std::max<std::int64_t>(pages.wanted - pages.credit, 0);
    const std::int64_t ceiling = safeguards.credit_after_clamp
                                     ? std::max<std::int64_t>(lendable - pages.credit, 0)
                                     : lendable;
    return answer(std::min(after_credit, ceiling), pages.wanted, lendable);
}

CmmTarget planned_loan(const CmmInputs& in, const CmmSafeguards& safeguards) noexcept {
    const Pages pages = pages_of(in, safeguards);
    if (pages.total < pages.min_mem) return answer(0, pages.wanted, -1);
    const std::int64_t lendable = pages.total - pages.min_mem;
    const std::int64_t ceiling = std::max<std::int64_t>(lendable - pages.credit, 0);
    return answer(std::min(pages.wanted, ceiling), pages.wanted, lendable);
}

}  // namespace ballast
