// Request policies: how much each domain should lend, before any constraint.
#pragma once

#include <cstdint>
#include <span>

#include "model/host.h"

namespace ballast {

enum class PolicyKind : std::uint8_t {
    cmm,    // the hypervisor's own request
    fixed,  // a loan target per domain, set by the operator (the driver's simulate mode)
};

// What an operator set per row; the spans have one entry per domain.
struct PolicyInputs {
    std::span<const std::uint64_t> fixed_loan_bytes;
};

// Pure. Writes one loan request in bytes per row of `seen` into `request_bytes` (same length): > 0
// lend more, < 0 take back. `fixed` rounds its target down to whole pages of the domain, as the
// driver's KB2PAGES does.
void request_loans(PolicyKind policy, const Observation& seen, const PolicyInputs& inputs,
                   std::span<std::int64_t> request_bytes) noexcept;

}  // namespace ballast
