#include "hv_backends/workload/workload_backend.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "hv_backends/workload/host_backend.h"
#include "sim/trace_reader.h"
#include "sim/workload_scenario.h"

namespace ballast {
namespace {

constexpr double kSample_s = 10;  // between two looks at a curve that repeats or jitters

HostConstants host_of(const Workload& workload) {
    const auto capacity = static_cast<Bytes>(largest_capacity_bytes(workload));
    HostConstants host;
    host.memory = workload.host_bytes > 0 ? static_cast<Bytes>(workload.host_bytes)
                                          : std::max<Bytes>(1, capacity);
    host.swap = capacity;
    return host;
}

// Lets the host's time pass as the clock's does.
class WorkloadBackend final : public Backend {
  public:
    WorkloadBackend(Workload workload, DemandScale scale, const Clock& clock)
        : workload_(std::move(workload)),
          clock_(clock),
          host_(workload_, {}, host_of(workload_)),
          reader_(workload_, scale),
          demand_(workload_.vms.size()),
          backend_(host_, clock) {}

    const Capabilities& capabilities() const noexcept override { return backend_.capabilities(); }

    Result<void> start(EventSink& sink) override {
        start_ = clock_.now();
        reader_.read(0, demand_);
        host_.start(demand_);
        return backend_.start(sink);
    }
    void stop() noexcept override { backend_.stop(); }

    Result<void> observe(Observation& into) override {
        follow_clock();
        return backend_.observe(into);
    }
    StepOutcome apply(const Step& step) noexcept override { return backend_.apply(step); }
    void set_guest_tunables(const DomainKey& domain, const GuestTunables& tunables) override {
        backend_.set_guest_tunables(domain, tunables);
    }
    void advance() override {
        follow_clock();
        backend_.advance();
    }

  private:
    void follow_clock() {
        const double at_s = std::chrono::duration<double>(clock_.now() - start_).count();
        const double step_s = at_s - host_.at_s();
        if (!(step_s > 0)) return;
        reader_.read(at_s, demand_);
        host_.advance(at_s, step_s, demand_);
    }

    const Workload workload_;
    const Clock& clock_;
    SimHost host_;
    DemandReader reader_;
    std::vector<Bytes> demand_;
    HostBackend backend_;
    Time start_{};
};

}  // namespace

Result<std::unique_ptr<Backend>> make_workload_backend(const Scenario& scenario,
                                                       const Clock& clock) {
    if (!scenario.trace.path.empty()) {
        auto trace = read_trace(scenario.trace.path);
        if (!trace) return Failure(trace.error());
        trace->host_bytes = scenario.pool.memory_bytes;
        const DemandScale scale{static_cast<double>(scenario.trace.floor_percent) / 100,
                                static_cast<double>(scenario.trace.k)};
        return std::make_unique<WorkloadBackend>(std::move(*trace), scale, clock);
    }
    std::vector<std::string> left_out;
    auto workload = workload_of(scenario, "scenario", kSample_s, left_out);
    if (!workload) return Failure(workload.error());
    for (const std::string& what : left_out)
        log::warn("backend workload leaves out of the scenario: {}", what);
    return std::make_unique<WorkloadBackend>(std::move(*workload), DemandScale{}, clock);
}

}  // namespace ballast
