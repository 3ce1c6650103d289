// The simulated machine behind the backend: hypervisor, partitions, and what a scenario makes
// happen.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "hv_backends/backend.h"
#include "hv_backends/pseries/partition.h"
#include "model/event.h"
#include "model/host.h"
#include "model/step.h"
#include "sim/timeline.h"

namespace ballast::pseries {

// One thread. Times are spans since the start.
class Machine {
  public:
    using Tell = std::function<void(const Event&)>;

    // Errors: invalid_argument for a fault that the platform does not know.
    static Result<std::unique_ptr<Machine>> make(const Scenario& scenario, Tell tell);

    std::optional<Duration> next_event_at() const noexcept { return timeline_.next_at(); }
    // Lets everything up to `now` happen, each at its own time.
    void advance_to(Duration now);

    // Evaluates the programs' demand at `now`, lets the hypervisor work out its requests, and fills
    // `into`, one row per partition that is on. Linear; allocates nothing while no partition comes
    // or goes.
    void observe(Duration now, Observation& into);

    // A bounded move of the partition in `row`; see Backend::apply.
    StepOutcome apply(const Step& step);
    // Partitions that are on lend as much as this, or as they can, from the start.
    void adopt(std::span<const Loan> loans);
    void set_oom_release(const DomainKey& domain, std::uint64_t release_bytes);

    // Of all parts, the first broken invariant; empty if all hold. Slow: for tests.
    std::string audit() const;
    // Pages of all guests that are neither wholly active nor wholly loaned (see Balloon).
    std::uint64_t limbo_pages() const noexcept;
    const Hypervisor& hypervisor() const noexcept { return *hypervisor_; }

  private:
    struct Domain {
        std::string name;
        DomainKey key;
        const ScenarioDomain* spec = nullptr;
        PartitionId id = 0;
        std::uint64_t seed = 0;
        std::uint64_t oom_release_bytes = 0;
        std::unique_ptr<Partition> partition;  // null while off
        DomainFlags flags = DomainFlags::none;
        std::optional<std::uint64_t> used_bytes;
        std::optional<std::uint64_t> loan_bytes;
        std::uint64_t unused_bytes = 0;  // as last told; frozen while statistics are stale
    };

    Machine(const Scenario& scenario, Faults faults, Tell tell);
    void happen(const ScenarioEvent& event, EventPhase phase, Domain& domain);
    void hotplug(const ScenarioEvent& event, bool begins, Domain& domain);
    void use_memory(Domain& domain, std::uint64_t used_bytes);
    void power_on(Domain& domain);
    void tell(EventKind kind, const Domain& domain, std::uint64_t bytes = 0);
    void mark(Domain& domain, DomainFlags bit, bool on);
    void rebuild_rows();
    void fill_row(Domain& domain, std::size_t row, DomainTable& table);

    const Scenario scenario_;
    Faults faults_;
    Tell tell_;
    Timeline timeline_;
    std::unique_ptr<Hypervisor> hypervisor_;
    std::vector<Domain> domains_;
    std::vector<std::size_t> rows_;  // row -> index in domains_
    std::unordered_map<DomainKey, std::size_t> domain_by_key_;
    std::uint64_t membership_ = 1;
    // A delayed answer keeps the hypervisor from taking the next move until then.
    Duration busy_until_{};
    Duration now_{};
};

}  // namespace ballast::pseries
