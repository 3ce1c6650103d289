// The workload simulator's host as a hypervisor: what policies are measured on, under a controller.
#pragma once

#include <cstdint>
#include <vector>

#include "hv_backends/backend.h"
#include "sim/host_model.h"

namespace ballast {

// Shows a controller the host and asks its balloons; whoever owns the host lets its time pass. As
// with libvirt, balloons move in their own time and nobody tells of a guest that takes memory back
// by itself; scripted guests (WorkloadVm::plain) tell it, as those of backend `mock`. One thread.
class HostBackend : public Backend {
  public:
    // `host` and `clock` outlive it; `clock` agrees with the host's time.
    HostBackend(SimHost& host, const Clock& clock);

    const Capabilities& capabilities() const noexcept override { return capabilities_; }
    Result<void> start(EventSink& sink) override;
    void stop() noexcept override { sink_ = nullptr; }
    // Never fails.
    Result<void> observe(Observation& into) override;
    // Answers accepted; refused while the guest is down, and gone if the row is another domain's.
    StepOutcome apply(const Step& step) noexcept override;
    // A balloon of this kind has no such settings.
    void set_guest_tunables(const DomainKey&, const GuestTunables&) override {}
    // Machines that were there before the start lend nothing that was theirs before, and go on with
    // their credits.
    std::optional<CarriedBooks> carried_books(const DomainKey& domain) const override;
    // Tells of guests that the host killed since the last call. Before each observation.
    void advance() override;

  private:
    void tell_oom(std::size_t vm);

    SimHost& host_;
    const Clock& clock_;
    EventSink* sink_ = nullptr;
    Capabilities capabilities_;
    std::vector<DomainKey> keys_;     // by machine
    std::vector<std::uint8_t> down_;  // by machine: it is known to be
    std::vector<Bytes> taken_back_;   // by machine, as told
    bool observed_ = false;
    bool tells_oom_;
    bool any_started_ = false;  // some machine was there before
};

}  // namespace ballast
