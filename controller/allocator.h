// Moves what was decided: in bounded steps, what frees host memory before what takes it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "controller/domain_control.h"
#include "controller/rule_set.h"
#include "hv_backends/backend.h"
#include "model/snapshot.h"

namespace ballast {

struct AllocatorRules {
    // Give-backs that would leave the host less than this wait until inflations have freed enough;
    // 0 = never wait.
    std::uint64_t host_reserve_bytes = 0;
};

// Loop's thread only. Keeps its lists between ticks, so that a steady state allocates nothing.
class Allocator {
  public:
    using FallBack = void (*)(DomainControl&, Decision&) noexcept;

    // `after_step` runs after each step that a synchronous backend took: there the controller books
    // an OOM that came in the middle of it, before the move goes on. It moves nothing.
    explicit Allocator(
        Backend& backend, FallBack fall_back = ballast::fall_back,
        std::function<void()> after_step = [] {})
        : backend_(backend), fall_back_(fall_back), after_step_(std::move(after_step)) {}

    // Carries out every decision whose decided_bytes differs from loaned_before_bytes, and fills
    // outcome, loaned_after_bytes, loan_target_bytes (the fallback of an inflation that came short)
    // and, where a move came short, the constraint. `calls` and `troubles` are added to.
    // Order: give-backs the host has room for, inflations, then give-backs that had to wait.
    void run(const HostState& host, const AllocatorRules& rules, const DomainNames& names,
             std::span<DomainControl> controls, std::span<Decision> decisions, BackendCalls& calls,
             std::vector<DomainTrouble>& troubles);

    // Moves one domain to `loaned_bytes` now; used for disable, release and stop. What the guest
    // takes back by itself meanwhile is not asked for again: it then ends below `loaned_bytes`.
    void move(const DomainKey& domain, std::size_t row, std::uint64_t loaned_bytes,
              DomainControl& control, Decision& decision, BackendCalls& calls,
              std::vector<DomainTrouble>& troubles);

  private:
    Backend& backend_;
    FallBack fall_back_;
    std::function<void()> after_step_;
    std::vector<std::size_t> give_back_;
    std::vector<std::size_t> inflate_;
};

}  // namespace ballast
