// How near a replay comes to what was recorded.
#pragma once

#include <cstdint>

#include "compare/run.h"
#include "recording/recorded_host.h"

namespace ballast::compare {

// One thread at a time. `recording` outlives it.
class Reproduction {
  public:
    explicit Reproduction(const Recording& recording) : recording_(recording) {}

    // At each tick of the replay, in order.
    void look(const RunTick& tick);

    // Of what was lent in the recording, over time, by how much the replay is beside it; 0..; where
    // nothing was lent, 0 if the replay lends nothing either, otherwise 100.
    double lent_differs_percent() const noexcept;
    // Recorded decisions that the replay made on the same figures: of the domain its memory, what
    // it lends and what it could use, of the host what is available.
    std::uint64_t same_figures() const noexcept { return same_figures_; }
    // Of those, where the policy's request and the decision are the same.
    std::uint64_t same_decisions() const noexcept { return same_decisions_; }

  private:
    const Recording& recording_;
    std::size_t next_decision_ = 0;
    std::size_t next_lent_ = 0;  // the first point of what was lent that is later
    double lent_ = 0;
    double beside_ = 0;
    double replayed_ = 0;
    std::uint64_t same_figures_ = 0;
    std::uint64_t same_decisions_ = 0;
};

}  // namespace ballast::compare
