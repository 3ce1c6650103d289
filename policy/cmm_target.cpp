#include "policy/cmm_target.h"

#include <algorithm>

namespace ballast {
namespace {

// 2^51 pages of 4 KiB are 2^63 bytes: beyond any machine, and sums of three still fit in 64 bits.
constexpr std::uint64_t kMaxPages = std::uint64_t{1} << 51U;

std::int64_t bounded(std::uint64_t pages) noexcept {
    return static_cast<std::int64_t>(std::min(pages, kMaxPages));
}

}  // namespace

CmmTarget cmm_target(const CmmInputs& in, const CmmSafeguards& safeguards) noexcept {
    constexpr auto kMaxRequest = static_cast<std::int64_t>(kMaxPages);
    const std::int64_t request = std::clamp(in.request_pages, -kMaxRequest, kMaxRequest);
    const std::int64_t total = bounded(in.total_pages);
    const std::int64_t min_mem = bounded(in.min_mem_pages);
    const std::int64_t credit = safeguards.oom_credit ? bounded(in.oom_credit_pages) : 0;

    const std::int64_t wanted = std::max<std::int64_t>(request + bounded(in.loaned_pages), 0);
    if (total < min_mem) {
        return {0, wanted > 0 ? Constraint::min_mem : Constraint::none};
    }
    const std::int64_t lendable = total - min_mem;

    const std::int64_t after_credit = std::max<std::int64_t>(wanted - credit, 0);
    const std::int64_t ceiling =
        safeguards.credit_after_clamp ? std::max<std::int64_t>(lendable - credit, 0) : lendable;
    const std::int64_t target = std::min(after_credit, ceiling);

    Constraint constraint = Constraint::none;
    if (target < wanted) {
        // Beyond what min_mem allows, the clamp binds; otherwise only the credit can have.
        constraint = wanted > lendable ? Constraint::min_mem : Constraint::oom_credit;
    }
    return {static_cast<std::uint64_t>(target), constraint};
}

}  // namespace ballast
