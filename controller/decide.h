// One domain's decision from what was seen, asked and remembered. Pure but for the gate's
// bookkeeping.
#pragma once

#include <cstdint>

#include "controller/domain_control.h"
#include "controller/gate.h"
#include "controller/rule_set.h"
#include "controller/surge.h"
#include "model/host.h"
#include "model/snapshot.h"
#include "policy/cmm_target.h"

namespace ballast {

struct DecisionRules {
    CmmSafeguards cmm;
    GateRules gate;
    SurgeRules surge;
    RuleSet functions;
    bool evacuating = false;   // all domains count as disabled
    bool plans_loans = false;  // of the policy in charge (model/policy_catalogue.h)
};

// Fills `into` for row `row` of `seen`: everything but the outcome of the move. decided_bytes is
// where the balloon should go now; it equals loaned_before_bytes where the domain is held.
void decide(const Observation& seen, std::size_t row, std::int64_t request_bytes, Time now,
            const DecisionRules& rules, DomainControl& control, Decision& into) noexcept;

// The least that a domain has to lend so that it is not given more than `limit_bytes` to keep
// (kUnknownBytes: no limit): whole pages, and never more than it lends now.
std::uint64_t least_loan_bytes(std::uint64_t total_bytes, std::uint64_t loaned_bytes,
                               std::uint64_t limit_bytes, unsigned page_shift) noexcept;

// The same row where nothing can be decided: the last figures, held for `reason`.
void hold(const Observation& seen, std::size_t row, Constraint reason, const DomainControl& control,
          Decision& into) noexcept;

}  // namespace ballast
