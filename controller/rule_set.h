// The rules of CMM that the controller applies, one function each: so that a test can take one out
// and show what goes wrong without it.
#pragma once

#include "controller/domain_control.h"
#include "controller/gate.h"
#include "model/event.h"
#include "model/snapshot.h"
#include "policy/cmm_target.h"

namespace ballast {

// cmm_oom_notify: what was freed is credited, and what is left becomes the loan target.
void book_oom(const Event& event, DomainControl& control) noexcept;

// cmm_thread: after an inflation that came short, the loan target is what was lent before it.
void fall_back(DomainControl& control, Decision& decision) noexcept;

struct RuleSet {
    CmmTarget (*target)(const CmmInputs&, const CmmSafeguards&) noexcept = cmm_target;
    // In place of `target`, for policies that plan a loan (plans_loans).
    CmmTarget (*planned)(const CmmInputs&, const CmmSafeguards&) noexcept = planned_loan;
    GateAnswer (*gate)(DomainControl&, DomainFlags, Time,
                       const GateRules&) noexcept = ballast::gate;
    void (*book_oom)(const Event&, DomainControl&) noexcept = ballast::book_oom;
    void (*fall_back)(DomainControl&, Decision&) noexcept = ballast::fall_back;
};

}  // namespace ballast
