// A hypervisor under a test's full control.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/controller.h"
#include "hv_backends/backend.h"
#include "sim/virtual_clock.h"

namespace ballast::test {

inline constexpr std::uint64_t kPage = 4096;

class FakeBackend final : public Backend {
  public:
    FakeBackend() {
        capabilities_.name = "fake";
        capabilities_.reports_requests = true;
        capabilities_.reports_oom = true;
    }

    std::size_t add(const std::string& name, std::uint64_t total_bytes,
                    std::uint64_t loaned_bytes = 0) {
        const std::size_t row = table.size();
        table.resize(row + 1);
        table.key[row] = key_from_name(name);
        table.name[row] = name;
        table.total_bytes[row] = total_bytes;
        table.loaned_bytes[row] = loaned_bytes;
        ++table.membership;
        return row;
    }

    const Capabilities& capabilities() const noexcept override { return capabilities_; }
    Result<void> start(EventSink&) override { return {}; }
    void stop() noexcept override {}
    Result<void> observe(Observation& into) override {
        if (!observe_error.empty()) return fail(Errc::unavailable, observe_error);
        into.host = host;
        into.domains = table;
        return {};
    }
    StepOutcome apply(const Step& step) noexcept override {
        steps.push_back(step);
        if (answer) {
            const StepOutcome outcome = answer(step);
            table.loaned_bytes[step.row] = outcome.loaned_bytes;
            return outcome;
        }
        if (capabilities_.asynchronous) {
            return {StepStatus::accepted, step.loaned_from_bytes, Constraint::none, {}};
        }
        table.loaned_bytes[step.row] = step.loaned_to_bytes;
        return {StepStatus::done, step.loaned_to_bytes, Constraint::none, {}};
    }
    std::optional<CarriedBooks> carried_books(const DomainKey& domain) const override {
        const auto found = carried.find(domain);
        return found == carried.end() ? std::nullopt : std::optional(found->second);
    }
    void keep_books(const DomainKey& domain, const std::optional<CarriedBooks>& books) override {
        ++kept_books;
        if (loses_books) return;
        carried.erase(domain);
        if (books) carried[domain] = *books;
    }
    void set_guest_tunables(const DomainKey& domain, const GuestTunables& tunables) override {
        tuned.emplace_back(domain, tunables.oom_release_bytes);
    }

    Capabilities capabilities_;
    DomainTable table;
    HostState host;
    std::string observe_error;
    std::function<StepOutcome(const Step&)> answer;
    std::vector<Step> steps;
    std::vector<std::pair<DomainKey, std::uint64_t>> tuned;
    std::map<DomainKey, CarriedBooks> carried;
    std::size_t kept_books = 0;
    bool loses_books = false;
};

// A controller on a virtual clock, ticking once a second.
struct Bench {
    explicit Bench(const Settings& initial = {}) : settings(initial) {}

    Controller& controller() {
        if (!controller_)
            controller_ = std::make_unique<Controller>(settings, backend, clock, dry_run);
        return *controller_;
    }
    SnapshotExchange::Handle tick() {
        clock.advance(controller().delay());
        controller().tick(clock.now());
        return controller().snapshots().latest();
    }
    void send(EventKind kind, const std::string& domain, std::uint64_t bytes = 0,
              std::uint64_t loaned_bytes = kUnknownBytes) {
        Event event;
        event.kind = kind;
        event.at = clock.now();
        event.domain = key_from_name(domain);
        event.bytes = bytes;
        event.loaned_bytes = loaned_bytes;
        controller().on_event(event);
    }

    Settings settings;
    bool dry_run = false;
    FakeBackend backend;
    VirtualClock clock;

  private:
    std::unique_ptr<Controller> controller_;
};

inline Settings fixed_settings(std::uint64_t loan_target_kb) {
    Settings settings;
    settings.policy.name = "fixed";
    settings.cmm.simulate_loan_target_kb = loan_target_kb;
    return settings;
}

}  // namespace ballast::test
