// A daemon's controller as the one who decides the loans of a simulated host.
#pragma once

#include <memory>

#include "compare/decider.h"
#include "config/settings.h"

namespace ballast::compare {

// Runs the controller's tick under the contestant's policy, with `settings` but for what a
// comparison sets itself: the policy, the time between ticks, the host's reserve, below what a
// guest is short, and of each domain what it keeps at least, its shares and its fixed loan. What
// is given outlives it. Logs as a daemon does.
class ControllerDecider final : public Decider {
  public:
    ControllerDecider(const Workload& workload, const PolicyChoice& policy, Settings settings,
                      const Constants& constants, const std::vector<std::uint64_t>& min_mem_bytes,
                      std::uint64_t reserve_bytes, SimHost& host);
    ~ControllerDecider() override;

    void decide(SimHost& host, std::span<Bytes> loan) override;
    bool asks_itself() const noexcept override { return true; }
    std::span<const Bytes> decided() const noexcept override;
    std::span<const RequestReason> reasons() const noexcept override;
    const ControllerTicks* controller_ticks() const noexcept override;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace ballast::compare
