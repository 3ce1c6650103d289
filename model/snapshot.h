// What one tick saw, decided and did, published whole and immutable: metrics, API and page read it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/constraint.h"
#include "model/domain.h"
#include "model/domain_names.h"
#include "model/event.h"
#include "model/hold_detail.h"
#include "model/host.h"
#include "model/request_reason.h"
#include "model/step.h"

namespace ballast {

// One domain's outcome in one tick.
struct Decision {
    std::uint64_t total_bytes = 0;
    std::uint64_t min_mem_bytes = 0;
    std::int64_t request_bytes = 0;  // what was asked
    RequestReason request_reason = RequestReason::untold;
    bool held = false;                          // the policy was told to leave it out
    HoldDetail hold_detail = HoldDetail::none;  // of `constraint`
    std::uint64_t oom_freed_bytes = 0;          // the credit
    std::uint64_t loaned_before_bytes = 0;
    std::uint64_t decided_bytes = 0;      // loan target after all constraints
    std::uint64_t loan_target_bytes = 0;  // the same, after the fallback where a move came short
    std::uint64_t loaned_after_bytes = 0;
    Constraint constraint = Constraint::none;
    StepStatus outcome = StepStatus::done;
    DomainFlags flags = DomainFlags::none;
    std::uint8_t page_shift = 12;
    bool disabled = false;
    std::uint64_t inflated_total_bytes = 0;  // since the domain came
    std::uint64_t deflated_total_bytes = 0;
    std::uint64_t ooms_total = 0;  // how often it ran out of memory since it came
    std::uint64_t unused_bytes = kUnknownBytes;
    std::uint64_t usable_bytes = kUnknownBytes;
    // As in DomainTable.
    std::uint64_t node_mask = 0;
    std::uint64_t stats_age_ms = kUnknownBytes;
    std::uint64_t limit_bytes = kUnknownBytes;
};

// Whether a guest's figures are so old (10 s) that people should be told.
constexpr bool has_old_figures(std::uint64_t stats_age_ms) noexcept {
    return stats_age_ms != kUnknownBytes && stats_age_ms >= 10000;
}

struct TickStats {
    std::uint64_t number = 0;  // ticks since start
    Time at{};                 // when it was due
    WallTime wall{};
    Duration took{};
    Duration late{};                       // how long after it was due it began
    std::uint64_t observe_failures = 0;    // since start
    std::uint64_t events = 0;              // since start
    std::uint64_t ooms = 0;                // of all domains since start
    std::uint64_t oom_returned_bytes = 0;  // that they took back then
};

// Calls into the backend since start, by outcome.
struct BackendCalls {
    std::uint64_t observe_ok = 0, observe_failed = 0;
    std::uint64_t apply_done = 0, apply_accepted = 0, apply_partial = 0, apply_refused = 0,
                  apply_gone = 0, apply_failed = 0;
};

// Cumulative histogram of tick durations; bounds in kTickBounds.
inline constexpr std::array<double, 12> kTickBoundsSeconds{
    0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0};
struct TickHistogram {
    std::array<std::uint64_t, kTickBoundsSeconds.size() + 1>
        counts{};  // not cumulative; last = +Inf
    double sum_seconds = 0;
};

// What went wrong last with a domain, for people; kept out of the columns because it is rare.
struct DomainTrouble {
    std::size_t row = 0;
    std::string detail;
};

// What outlives the daemon, and what keeps it from that.
struct StateHealth {
    std::string path;                         // of the file; empty: nothing is kept
    std::string write_error;                  // why it cannot be written; empty: it can
    std::string damage;                       // what was wrong with it at the start; empty: nothing
    std::uint64_t unsaved_domains = 0;        // of these it is not on disk yet what they came with
    std::uint64_t recovered_domains = 0;      // taken over from what the hypervisor keeps with them
    std::string settings;                     // that operators made at run time for all domains
    std::uint64_t domains_with_settings = 0;  // that operators made at run time for them alone
};

struct Snapshot {
    TickStats tick;
    HostState host;
    std::uint64_t reserve_bytes = 0;  // of the host, not to be lent on: host.reserve, reservations
    bool backend_up = false;
    std::string backend_name;
    std::string backend_error;  // the last one, empty when up
    std::string policy_name;
    bool disabled = false;  // all domains
    bool dry_run = false;   // nothing is moved: decided_bytes is what a domain would lend
    Duration delay{};
    BackendCalls calls;
    TickHistogram tick_histogram;
    std::shared_ptr<const DomainNames> names;
    std::vector<Decision> decisions;  // one per row
    // Moved since start by domains that are gone; with those of the rows, the host's totals.
    std::uint64_t gone_inflated_bytes = 0;
    std::uint64_t gone_deflated_bytes = 0;
    StateHealth state;
    std::vector<DomainTrouble> troubles;  // sorted by row
};

// Why the decision stopped where it did: one clause for people.
std::string_view meaning(const Decision& decision) noexcept;

// Several sentences for people: what was asked, which constraint bound, what was done and why.
// Pure.
std::string explain(const Snapshot& snapshot, std::size_t row);

}  // namespace ballast
