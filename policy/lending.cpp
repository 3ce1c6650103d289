#include "policy/lending.h"

#include <algorithm>
#include <numeric>

#include "base/saturating.h"
#include "model/domain.h"

namespace ballast {

std::uint64_t can_lend(const LenderFigures& guest) noexcept {
    if (guest.usable_bytes == kUnknownBytes) return 0;
    const std::uint64_t kept_free =
        std::max(guest.usable_bytes / 4 + guest.borrowed_bytes / 4, guest.keep_free_bytes);
    const std::uint64_t allowed =
        less(less(guest.total_bytes, guest.min_mem_bytes), guest.oom_freed_bytes);
    return std::min(less(guest.usable_bytes, kept_free), less(allowed, guest.loaned_bytes));
}

std::uint64_t spread(std::uint64_t need_bytes, std::span<const std::uint64_t> lendable_bytes,
                     std::uint64_t unit_bytes, std::span<std::uint64_t> shares_bytes) noexcept {
    const auto all = std::accumulate(lendable_bytes.begin(), lendable_bytes.end(), 0.0);
    std::uint64_t left = need_bytes;
    for (std::size_t i = 0; i < lendable_bytes.size(); ++i) {
        const std::uint64_t most = lendable_bytes[i] & ~(unit_bytes - 1);
        const double part = all > 0 ? static_cast<double>(lendable_bytes[i]) / all : 0;
        const auto fair = static_cast<std::uint64_t>(static_cast<double>(need_bytes) * part);
        shares_bytes[i] = std::min(fair & ~(unit_bytes - 1), most);
        left = less(left, shares_bytes[i]);
    }
    // What rounding left over.
    for (std::size_t i = 0; i < lendable_bytes.size() && left > 0; ++i) {
        const std::uint64_t most = lendable_bytes[i] & ~(unit_bytes - 1);
        const std::uint64_t more =
            std::min((left + unit_bytes - 1) & ~(unit_bytes - 1), most - shares_bytes[i]);
        shares_bytes[i] += more;
        left = less(left, more);
    }
    return left;
}

}  // namespace ballast
