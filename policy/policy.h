// A request policy: how much each domain should lend, before any constraint.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "model/host.h"
#include "model/policy_catalogue.h"
#include "model/request_reason.h"

namespace ballast {

// What an operator set, and what the controller knows, per row of the observation.
struct PolicyInputs {
    std::span<const std::uint64_t> fixed_loan_bytes{};  // policy `fixed` alone
    std::span<const std::uint64_t> min_mem_bytes{};     // what a domain keeps at least
    std::span<const std::uint32_t> shares{};            // its weight, 0 .. 10000
    // The loan it was last asked for and may not have reached; kUnknownBytes = none.
    std::span<const std::uint64_t> set_bytes{};
    // 1: nothing may be moved now (disabled, migrating, no driver, ...): leave it out. 0: it may.
    std::span<const std::uint8_t> held{};
    // Of the host's available memory, what is not to be lent on.
    std::uint64_t host_reserve_bytes = 0;
    // Of that, what somebody waits for: a domain that is about to start.
    std::uint64_t reserved_bytes = 0;
    // A guest that could use less than both, the second of what it keeps, has all back at once,
    // whatever a policy asks; 0 = none ever has.
    std::uint64_t short_below_bytes = 0;
    std::uint32_t short_below_percent = 0;  // 0 .. 99
};

// Deterministic: its answers follow from what it was shown, in order. One thread. Figures of guests
// are hints and may be kUnknownBytes, contradict each other or the host's; whatever they are, a
// policy answers and stays within [0, total] for each domain.
class Policy {
  public:
    virtual ~Policy() = default;

    // Writes one loan request in bytes per row of `seen` into `request_bytes` (same length): > 0
    // lend more, < 0 take back, relative to loaned_bytes. Called once a tick; a policy that decides
    // more rarely repeats its last target in between. Allocates nothing unless seen.domains
    // has changed its membership. Time is seen.at.
    virtual void request(const Observation& seen, const PolicyInputs& inputs,
                         std::span<std::int64_t> request_bytes) = 0;
    // Of the last requests, row by row; empty where a policy tells none.
    virtual std::span<const RequestReason> reasons() const noexcept { return {}; }
};

// Errors: invalid_argument (a text of it does not parse, or its numbers contradict each other); a
// text's error begins with the text's name and a colon.
Result<std::unique_ptr<Policy>> make_policy(const PolicyChoice& choice);
// The same errors and nothing else.
Result<void> check_policy(const PolicyChoice& choice);

}  // namespace ballast
