// The bound that no policy can pass: it knows what every guest will need.
#pragma once

#include <span>
#include <vector>

#include "sim/demand.h"
#include "sim/host_model.h"

namespace ballast {

// Leaves each guest what it needs until its balloon could give more: programs, hot cache and
// watermark; lends all else. Where that is more than the host has, it takes the cheapest first: hot
// cache, unless leaving it to the host's swap costs no more, as that takes nothing too early. It
// does not foresee balloons that fail. One thread.
class Clairvoyant {
  public:
    // `workload` outlives it. Looks at most `look_ahead_s` beyond the next step of `step_s`.
    Clairvoyant(const Workload& workload, DemandScale scale, double step_s, double look_ahead_s);

    // Called once per step, at steps 0, 1, 2, ...: the loan of each row of `host` until the next.
    void decide(const SimHost& host, std::span<Bytes> loan);

  private:
    std::span<Bytes> demand_at(std::size_t step) noexcept {
        return {ring_.data() + (step % depth_) * machines_, machines_};
    }
    void look_at(std::size_t step);
    Bytes keeps(const SimHost& host, std::size_t vm);

    const Workload& workload_;
    DemandReader reader_;
    double step_s_;
    std::size_t machines_;
    std::size_t depth_;        // steps that are known at a time
    std::vector<Bytes> ring_;  // demand of each machine at depth_ steps
    std::size_t now_ = 0;
    std::vector<Bytes> hot_;  // of each row, in the next step
};

}  // namespace ballast
