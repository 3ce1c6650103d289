// From a loan target to the request that policies answer with.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace ballast {

// What brings a domain from `loaned_bytes` to `loan_target_bytes`, which is cut to `total_bytes`.
// Figures that no machine has (above 2^63 - 1) are cut as well.
constexpr std::int64_t request_for(std::uint64_t loan_target_bytes, std::uint64_t total_bytes,
                                   std::uint64_t loaned_bytes) noexcept {
    constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
    const std::uint64_t target = std::min({loan_target_bytes, total_bytes, most});
    return static_cast<std::int64_t>(target) -
           static_cast<std::int64_t>(std::min(loaned_bytes, most));
}

}  // namespace ballast
