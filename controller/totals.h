// Host-wide sums over the domains of a snapshot.
#pragma once

#include <array>
#include <cstdint>

#include "model/snapshot.h"

namespace ballast {

struct Totals {
    std::uint64_t domains = 0;
    std::uint64_t total_bytes = 0;
    std::uint64_t loaned_bytes = 0;
    std::uint64_t decided_bytes = 0;
    std::uint64_t loan_target_bytes = 0;
    std::uint64_t oom_freed_bytes = 0;
    std::uint64_t inflated_bytes = 0;  // since start, of domains that are gone too
    std::uint64_t deflated_bytes = 0;
    std::array<std::uint64_t, kConstraintCount> constrained{};  // domains, by binding constraint
};

// Pure; linear in the domains.
Totals totals_of(const Snapshot& snapshot) noexcept;

}  // namespace ballast
