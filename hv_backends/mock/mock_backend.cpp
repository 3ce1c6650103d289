#include "hv_backends/mock/mock_backend.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "hv_backends/mock/mock_host.h"
#include "sim/fault_plan.h"
#include "sim/timeline.h"

namespace ballast {
namespace {

Capabilities capabilities_of(const MockHost& host) {
    Capabilities capabilities;
    capabilities.name = "mock";
    capabilities.description = "a scripted hypervisor";
    capabilities.reports_requests = true;
    capabilities.reports_oom = true;
    capabilities.asynchronous = host.asynchronous();
    return capabilities;
}

class MockBackend final : public Backend {
  public:
    MockBackend(const Scenario& scenario, const Clock& clock)
        : scenario_(scenario),
          clock_(clock),
          host_(scenario_, clock),
          capabilities_(capabilities_of(host_)),
          faults_(scenario.faults),
          timeline_(scenario.events) {}

    const Capabilities& capabilities() const noexcept override { return capabilities_; }

    Result<void> start(EventSink& sink) override {
        host_.connect(sink);
        return {};
    }

    void stop() noexcept override { host_.disconnect(); }

    Result<void> observe(Observation& into) override {
        advance();
        if (const ScenarioFault* fault = faults_.hit("", "observe", host_.since_start())) {
            const bool late = fault->answer == "timeout";
            return fail(late ? Errc::timed_out : Errc::unavailable,
                        late ? "the scripted hypervisor answers too late"
                             : "the scripted hypervisor does not answer");
        }
        host_.refresh_lively();
        into.at = clock_.now();
        into.host = host_.host();
        const DomainTable& table = host_.table();
        const bool same_rows =
            into.domains.membership == table.membership && into.domains.size() == table.size();
        if (same_rows) {
            into.domains.flags = table.flags;
            into.domains.total_bytes = table.total_bytes;
            into.domains.loaned_bytes = table.loaned_bytes;
            into.domains.loan_request_bytes = table.loan_request_bytes;
            into.domains.unused_bytes = table.unused_bytes;
            into.domains.usable_bytes = table.usable_bytes;
            into.domains.resident_bytes = table.resident_bytes;
        } else {
            into.domains = table;
        }
        mark_unanswered(into.domains);
        return {};
    }

    StepOutcome apply(const Step& step) noexcept override {
        const DomainTable& table = host_.table();
        if (step.row >= table.size() || table.key[step.row] != step.domain) {
            return {StepStatus::gone, 0, Constraint::backend_error, "no such domain"};
        }
        if (auto refusal = refused_by_state(step)) return *refusal;
        const std::uint64_t loaned = table.loaned_bytes[step.row];
        std::uint64_t goal = std::min(step.loaned_to_bytes, table.total_bytes[step.row]);
        Duration delay{};
        const ScenarioFault* fault =
            faults_.hit(table.name[step.row], "apply", host_.since_start());
        if (fault != nullptr) {
            if (auto refusal = refused_by_script(*fault, loaned)) return *refusal;
            delay = fault->delay;
            if (fault->answer == "partial") {
                goal = std::midpoint(loaned, goal) & ~host_.page_mask(step.row);
                if (delay.count() == 0) return stop_at(step.row, goal, "cut short by script");
            }
        }
        if (!host_.asynchronous() && delay.count() == 0) {
            if (goal < step.loaned_to_bytes)
                return stop_at(step.row, goal, "the guest has no more memory");
            host_.set_loaned(step.row, goal);
            return {StepStatus::done, goal, Constraint::none, {}};
        }
        host_.move_to(step.row, goal, delay);
        return {StepStatus::accepted, loaned, Constraint::none, {}};
    }

    void adopt(std::span<const Loan> loans) override {
        const DomainTable& table = host_.table();
        for (const Loan& loan : loans) {
            const auto found = std::find(table.key.begin(), table.key.end(), loan.domain);
            if (found == table.key.end()) continue;
            const auto row = static_cast<std::size_t>(found - table.key.begin());
            host_.set_loaned(
                row, std::min(loan.loaned_bytes, table.total_bytes[row]) & ~host_.page_mask(row));
        }
    }

    void set_guest_tunables(const DomainKey& domain, const GuestTunables& tunables) override {
        host_.set_oom_release(domain, tunables.oom_release_bytes);
    }

    std::optional<Time> next_event_at() const override {
        const auto at = timeline_.next_at();
        if (!at) return std::nullopt;
        return host_.start() + *at;
    }

    void advance() override {
        while (const TimelineEntry* entry = timeline_.pop_due(host_.since_start())) {
            const ScenarioEvent& event = timeline_.event_of(*entry);
            if (event.action != ScenarioAction::set_parameter) host_.happen(event, entry->phase);
        }
    }

  private:
    // Of a domain that is not told of, no more than its size is known.
    void mark_unanswered(DomainTable& seen) {
        if (!faults_.concerns("observe_domain")) return;
        for (std::size_t row = 0; row < seen.size(); ++row) {
            if (faults_.hit(seen.name[row], "observe_domain", host_.since_start()) == nullptr)
                continue;
            seen.flags[row] = seen.flags[row] | DomainFlags::unanswered;
            seen.loan_request_bytes[row] = 0;
            seen.unused_bytes[row] = seen.usable_bytes[row] = kUnknownBytes;
        }
    }

    std::optional<StepOutcome> refused_by_state(const Step& step) const {
        const std::uint64_t loaned = host_.table().loaned_bytes[step.row];
        const DomainFlags flags = host_.table().flags[step.row];
        const auto refused = [loaned](Constraint constraint, const char* why) {
            return StepOutcome{StepStatus::refused, loaned, constraint, why};
        };
        if (has(flags, DomainFlags::paused))
            return refused(Constraint::paused, "the guest is paused");
        if (has(flags, DomainFlags::no_driver))
            return refused(Constraint::no_driver, "no balloon driver answers");
        if (has(flags, DomainFlags::hotplug) && step.loaned_to_bytes > loaned)
            return refused(Constraint::hotplug, "memory hotplug is running");
        return std::nullopt;
    }

    static std::optional<StepOutcome> refused_by_script(const ScenarioFault& fault,
                                                        std::uint64_t loaned) {
        const auto answer = [loaned](StepStatus status, const char* why) {
            return StepOutcome{status, loaned, Constraint::backend_error, why};
        };
        if (fault.answer == "refuse") return answer(StepStatus::refused, "refused by script");
        if (fault.answer == "error") return answer(StepStatus::failed, "failed by script");
        if (fault.answer == "gone") return answer(StepStatus::gone, "gone by script");
        return std::nullopt;
    }

    StepOutcome stop_at(std::size_t row, std::uint64_t loaned_bytes, const char* why) {
        host_.set_loaned(row, loaned_bytes);
        return {StepStatus::partial, loaned_bytes, Constraint::backend_error, why};
    }

    const Scenario scenario_;
    const Clock& clock_;
    MockHost host_;
    const Capabilities capabilities_;
    FaultPlan faults_;
    Timeline timeline_;
};

}  // namespace

std::unique_ptr<Backend> make_mock_backend(const Scenario& scenario, const Clock& clock) {
    return std::make_unique<MockBackend>(scenario, clock);
}

}  // namespace ballast
