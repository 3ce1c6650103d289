// Policies and the clairvoyant alike: who decides the loans of a simulated host.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "compare/run.h"
#include "model/request_reason.h"

namespace ballast::compare {

class Decider {
  public:
    virtual ~Decider() = default;
    // Called once a tick, the first time before any time has passed. Writes the loan that each row
    // of `host` is to reach; any number, as nothing keeps a policy within bounds but the caller.
    // Where asks_itself(), the host is asked already.
    virtual void decide(SimHost& host, std::span<Bytes> loan) = 0;
    virtual bool asks_itself() const noexcept { return false; }
    // Where asks_itself(): the loan decided on for each row, after all constraints.
    virtual std::span<const Bytes> decided() const noexcept { return {}; }
    // Of the loans written last, row by row; empty where none are told.
    virtual std::span<const RequestReason> reasons() const noexcept { return {}; }
    // Where a controller decided: how often it did otherwise than its policy may have wanted.
    virtual const ControllerTicks* controller_ticks() const noexcept { return nullptr; }
};

// `workload`, `min_mem_bytes` (of each machine) and `host` outlive it; `reserve_bytes` is told to
// policies. Errors: those of make_policy.
Result<std::unique_ptr<Decider>> make_decider(const Workload& workload,
                                              const Contestant& contestant, const Terms& terms,
                                              const Constants& constants,
                                              const std::vector<std::uint64_t>& min_mem_bytes,
                                              std::uint64_t reserve_bytes, SimHost& host);

}  // namespace ballast::compare
