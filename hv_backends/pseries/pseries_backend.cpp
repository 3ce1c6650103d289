#include "hv_backends/pseries/pseries_backend.h"

#include <utility>

#include "base/units.h"
#include "hv_backends/pseries/machine.h"

namespace ballast {
namespace {

constexpr std::uint64_t kMaxStepBytes = 16 * kMiB;

Capabilities pseries_capabilities() {
    Capabilities capabilities;
    capabilities.name = "pseries";
    capabilities.description = "a simulated hypervisor with a memory pool, hcalls and partitions";
    capabilities.max_step_bytes = kMaxStepBytes;
    capabilities.reports_requests = true;
    capabilities.reports_oom = true;
    return capabilities;
}

class PseriesBackend final : public Backend {
  public:
    PseriesBackend(const Scenario& scenario, const Clock& clock)
        : scenario_(scenario), clock_(clock), capabilities_(pseries_capabilities()) {}

    const Capabilities& capabilities() const noexcept override { return capabilities_; }

    Result<void> start(EventSink& sink) override {
        start_ = clock_.now();
        auto made = pseries::Machine::make(scenario_, [this, &sink](const Event& event) {
            if (stopped_) return;
            Event told = event;
            told.at = start_ + event.at.time_since_epoch();
            sink.on_event(told);
        });
        if (!made) return with_context(made.error(), "pseries");
        machine_ = std::move(*made);
        return {};
    }

    void stop() noexcept override { stopped_ = true; }

    Result<void> observe(Observation& into) override {
        into.at = clock_.now();
        machine_->observe(since(), into);
        return {};
    }

    StepOutcome apply(const Step& step) noexcept override { return machine_->apply(step); }

    void adopt(std::span<const Loan> loans) override { machine_->adopt(loans); }

    void set_guest_tunables(const DomainKey& domain, const GuestTunables& tunables) override {
        machine_->set_oom_release(domain, tunables.oom_release_bytes);
    }

    std::optional<Time> next_event_at() const override {
        const auto at = machine_->next_event_at();
        if (!at) return std::nullopt;
        return start_ + *at;
    }

    void advance() override { machine_->advance_to(since()); }

  private:
    Duration since() const noexcept { return clock_.now() - start_; }

    const Scenario scenario_;
    const Clock& clock_;
    const Capabilities capabilities_;
    Time start_{};
    bool stopped_ = false;
    std::unique_ptr<pseries::Machine> machine_;
};

}  // namespace

std::unique_ptr<Backend> make_pseries_backend(const Scenario& scenario, const Clock& clock) {
    return std::make_unique<PseriesBackend>(scenario, clock);
}

}  // namespace ballast
