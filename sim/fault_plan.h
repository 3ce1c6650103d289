// Which calls of a simulated hypervisor or guest misbehave.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/scenario.h"

namespace ballast {

// Counts calls and says which of them a scenario's faults hit. One thread. Every fault counts for
// itself, over all domains that it matches; only calls between its `from` and `until` count.
class FaultPlan {
  public:
    FaultPlan() = default;
    explicit FaultPlan(std::vector<ScenarioFault> faults);

    // One call is made: the fault that hits it, or nullptr. Where several do, the first in the file
    // answers; a fault that was not the one to answer keeps its `times`. A fault for "H_PAGE_INIT"
    // also matches "H_PAGE_INIT_LOANED" and "H_PAGE_INIT_ACTIVE". The pointer holds while the plan
    // lives.
    const ScenarioFault* hit(std::string_view domain, std::string_view call, Duration since_start);

    // True if some fault names `call`, whatever the domain and the time: lets callers skip hit().
    bool concerns(std::string_view call) const noexcept;

    const std::vector<ScenarioFault>& faults() const noexcept { return faults_; }

  private:
    struct Count {
        std::uint64_t calls = 0;  // that matched
        std::uint64_t hits = 0;   // of them, answered by this fault
    };
    std::vector<ScenarioFault> faults_;
    std::vector<Count> counts_;
};

}  // namespace ballast
