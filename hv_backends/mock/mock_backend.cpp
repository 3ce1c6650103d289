#include "hv_backends/mock/mock_backend.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "hv_backends/mock/mock_guest.h"
#include "sim/curve.h"
#include "sim/fault_plan.h"
#include "sim/timeline.h"

namespace ballast {
namespace {

bool is_constant(const Curve& curve) noexcept {
    return curve.points.size() <= 1 && curve.jitter_percent == 0;
}

Capabilities capabilities_of(const Scenario& scenario) {
    Capabilities capabilities;
    capabilities.name = "mock";
    capabilities.description = "a scripted hypervisor";
    capabilities.reports_requests = true;
    capabilities.reports_oom = true;
    capabilities.asynchronous =
        std::any_of(scenario.domains.begin(), scenario.domains.end(),
                    [](const ScenarioDomain& domain) { return domain.speed_bytes_per_s > 0; });
    return capabilities;
}

class MockBackend final : public Backend {
  public:
    MockBackend(const Scenario& scenario, const Clock& clock)
        : scenario_(scenario),
          clock_(clock),
          capabilities_(capabilities_of(scenario)),
          faults_(scenario.faults),
          timeline_(scenario.events) {
        for (NamedDomain& domain : expand_domains(scenario_.domains)) {
            MockGuest& guest = guests_.emplace_back();
            guest.spec = domain.spec;
            guest.seed = mix(scenario_.seed ^ mix(guests_.size()));
            names_.push_back(std::move(domain.name));
        }
        table_.resize(guests_.size());
        for (std::size_t i = 0; i < guests_.size(); ++i) {
            guest_by_key_[key_from_name(names_[i])] = i;
            guest_of_row_.push_back(i);
            fill_row(i, i);
        }
        table_.membership = 1;
        list_lively_guests();
    }

    const Capabilities& capabilities() const noexcept override { return capabilities_; }

    Result<void> start(EventSink& sink) override {
        sink_ = &sink;
        start_ = clock_.now();
        return {};
    }

    void stop() noexcept override { sink_ = nullptr; }

    Result<void> observe(Observation& into) override {
        advance();
        if (const ScenarioFault* fault = faults_.hit("", "observe", since())) {
            const bool late = fault->delay.count() > 0;
            return fail(late ? Errc::timed_out : Errc::unavailable,
                        late ? "the scripted hypervisor answers too late"
                             : "the scripted hypervisor does not answer");
        }
        for (const std::size_t guest : lively_) refresh(guest);
        into.at = clock_.now();
        into.host = host();
        const bool same_rows =
            into.domains.membership == table_.membership && into.domains.size() == table_.size();
        if (same_rows) {
            into.domains.flags = table_.flags;
            into.domains.total_bytes = table_.total_bytes;
            into.domains.loaned_bytes = table_.loaned_bytes;
            into.domains.loan_request_bytes = table_.loan_request_bytes;
            into.domains.unused_bytes = table_.unused_bytes;
            into.domains.usable_bytes = table_.usable_bytes;
        } else {
            into.domains = table_;
        }
        return {};
    }

    StepOutcome apply(const Step& step) noexcept override {
        if (step.row >= table_.size() || table_.key[step.row] != step.domain) {
            return {StepStatus::gone, 0, Constraint::backend_error, "no such domain"};
        }
        MockGuest& guest = guests_[guest_of_row_[step.row]];
        const std::uint64_t loaned = table_.loaned_bytes[step.row];
        const DomainFlags flags = table_.flags[step.row];
        const auto refused = [&](Constraint constraint, const char* why) {
            return StepOutcome{StepStatus::refused, loaned, constraint, why};
        };
        if (has(flags, DomainFlags::paused))
            return refused(Constraint::paused, "the guest is paused");
        if (has(flags, DomainFlags::no_driver)) {
            return refused(Constraint::no_driver, "no balloon driver answers");
        }
        if (has(flags, DomainFlags::hotplug) && step.loaned_to_bytes > loaned) {
            return refused(Constraint::hotplug, "memory hotplug is running");
        }
        std::uint64_t goal = std::min(step.loaned_to_bytes, table_.total_bytes[step.row]);
        Duration delay{};
        const std::string& name = table_.name[step.row];
        if (const ScenarioFault* fault = faults_.hit(name, "apply", since())) {
            if (fault->answer == "refuse")
                return refused(Constraint::backend_error, "refused by script");
            if (fault->answer == "error") {
                return {StepStatus::failed, loaned, Constraint::backend_error, "failed by script"};
            }
            if (fault->answer == "gone") {
                return {StepStatus::gone, loaned, Constraint::backend_error, "gone by script"};
            }
            if (fault->answer == "partial" && fault->delay.count() == 0) {
                set_loaned(step.row, halfway(step.row, loaned, goal));
                return {StepStatus::partial, table_.loaned_bytes[step.row],
                        Constraint::backend_error, "cut short by script"};
            }
            delay = fault->delay;
        }
        if (!capabilities_.asynchronous && delay.count() == 0) {
            set_loaned(step.row, goal);
            return {StepStatus::done, goal, Constraint::none, {}};
        }
        guest.goal_bytes = goal;
        guest.moving = true;
        guest.moving_since = clock_.now() + delay;
        return {StepStatus::accepted, loaned, Constraint::none, {}};
    }

    void set_guest_tunables(const DomainKey& domain, const GuestTunables& tunables) override {
        const auto found = guest_by_key_.find(domain);
        if (found != guest_by_key_.end()) {
            guests_[found->second].oom_release_bytes = tunables.oom_release_bytes;
        }
    }

    std::optional<Time> next_event_at() const override {
        const auto at = timeline_.next_at();
        if (!at) return std::nullopt;
        return start_ + *at;
    }

    void advance() override {
        while (const TimelineEntry* entry = timeline_.pop_due(since())) {
            const ScenarioEvent& event = timeline_.event_of(*entry);
            if (event.action == ScenarioAction::set_parameter) continue;
            for (std::size_t guest = 0; guest < guests_.size(); ++guest) {
                if (matches_domain(event.domain, names_[guest])) happen(event, entry->phase, guest);
            }
        }
    }

  private:
    Duration since() const noexcept { return clock_.now() - start_; }
    const ScenarioDomain& spec(const MockGuest& guest) const {
        return scenario_.domains[guest.spec];
    }
    std::uint64_t page_mask(std::size_t row) const noexcept {
        return (std::uint64_t{1} << table_.page_shift[row]) - 1;
    }

    // A guest that starts: nothing lent.
    void fill_row(std::size_t row, std::size_t guest_index) {
        MockGuest& guest = guests_[guest_index];
        guest.row = row;
        guest.present = true;
        guest.moving = false;
        const ScenarioDomain& domain = spec(guest);
        table_.key[row] = key_from_name(names_[guest_index]);
        table_.name[row] = names_[guest_index];
        table_.page_shift[row] = domain.page_bytes == 4096 ? 12 : 16;
        table_.total_bytes[row] = domain.memory_bytes;
        table_.loaned_bytes[row] = 0;
        table_.flags[row] = domain.deflate_on_oom ? DomainFlags::deflate_on_oom : DomainFlags::none;
        refresh(guest_index);
    }

    // Guests whose figures change by themselves; the others are refreshed when something happens to
    // them.
    void list_lively_guests() {
        lively_.clear();
        for (std::size_t i = 0; i < guests_.size(); ++i) {
            const ScenarioDomain& domain = spec(guests_[i]);
            const bool steady = is_constant(domain.used) &&
                                (!domain.loan || is_constant(*domain.loan)) &&
                                !capabilities_.asynchronous && faults_.faults().empty();
            if (!steady) lively_.push_back(i);
        }
    }

    void refresh(std::size_t guest_index) {
        MockGuest& guest = guests_[guest_index];
        if (!guest.present) return;
        const std::size_t row = guest.row;
        move_balloon(guest);
        const ScenarioDomain& domain = spec(guest);
        const std::uint64_t used =
            guest.used_bytes.value_or(curve_value(domain.used, since(), guest.seed));
        run_out_of_memory(guest, used);
        if (!has(table_.flags[row], DomainFlags::stale_stats)) {
            const std::uint64_t kept = table_.total_bytes[row] - table_.loaned_bytes[row];
            table_.unused_bytes[row] = table_.usable_bytes[row] = kept - std::min(kept, used);
        }
        if (domain.loan || guest.loan_bytes) {
            const std::uint64_t wanted = guest.loan_bytes.value_or(
                domain.loan ? curve_value(*domain.loan, since(), guest.seed) : 0);
            table_.loan_request_bytes[row] = static_cast<std::int64_t>(wanted) -
                                             static_cast<std::int64_t>(table_.loaned_bytes[row]);
        }
    }

    void move_balloon(MockGuest& guest) {
        const Time now = clock_.now();
        const DomainFlags flags = table_.flags[guest.row];
        const bool stands_still =
            has(flags, DomainFlags::paused) || has(flags, DomainFlags::no_driver);
        if (!guest.moving || now < guest.moving_since) return;
        if (stands_still) {
            guest.moving_since = now;
            return;
        }
        std::uint64_t& loaned = table_.loaned_bytes[guest.row];
        const std::uint64_t distance =
            std::max(loaned, guest.goal_bytes) - std::min(loaned, guest.goal_bytes);
        std::uint64_t step = distance;
        if (const std::uint64_t speed = spec(guest).speed_bytes_per_s; speed > 0) {
            const double seconds = std::chrono::duration<double>(now - guest.moving_since).count();
            const double reach = std::min(seconds * static_cast<double>(speed), 9e18);
            step = std::min(distance, static_cast<std::uint64_t>(reach) & ~page_mask(guest.row));
            if (step == 0) return;
        }
        guest.moving_since = now;
        loaned = loaned < guest.goal_bytes ? loaned + step : loaned - step;
        guest.moving = loaned != guest.goal_bytes;
    }

    // Programs that need more than there is make the driver give memory back to the guest.
    void run_out_of_memory(MockGuest& guest, std::uint64_t used) {
        const std::uint64_t kept = table_.total_bytes[guest.row] - table_.loaned_bytes[guest.row];
        if (used <= kept || !has(table_.flags[guest.row], DomainFlags::deflate_on_oom)) return;
        take_back(guest, std::max(used - kept, guest.oom_release_bytes));
    }

    void take_back(MockGuest& guest, std::uint64_t bytes) {
        std::uint64_t& loaned = table_.loaned_bytes[guest.row];
        const std::uint64_t freed =
            std::min(loaned, (bytes + page_mask(guest.row)) & ~page_mask(guest.row));
        if (freed == 0) return;
        loaned -= freed;
        guest.moving = false;
        tell(EventKind::oom, guest.row, freed, loaned);
    }

    void happen(const ScenarioEvent& event, EventPhase phase, std::size_t guest_index) {
        MockGuest& guest = guests_[guest_index];
        if (event.action == ScenarioAction::domain_start) {
            if (!guest.present) come(guest_index);
            return;
        }
        if (!guest.present) return;
        const bool begins = phase != EventPhase::end;
        const std::size_t row = guest.row;
        switch (event.action) {
            case ScenarioAction::loan_request:
                guest.loan_bytes = event.bytes;
                break;
            case ScenarioAction::used:
                guest.used_bytes = event.bytes;
                break;
            case ScenarioAction::oom:
                take_back(guest, guest.oom_release_bytes);
                break;
            case ScenarioAction::pause:
                mark(row, DomainFlags::paused, begins, EventKind::domain_paused,
                     EventKind::domain_resumed);
                break;
            case ScenarioAction::resume:
                mark(row, DomainFlags::paused, false, EventKind::domain_paused,
                     EventKind::domain_resumed);
                break;
            case ScenarioAction::migrate:
                mark(row, DomainFlags::migrating, begins, EventKind::migration_began,
                     EventKind::migration_ended);
                break;
            case ScenarioAction::driver_gone:
                flag(row, DomainFlags::no_driver, begins);
                break;
            case ScenarioAction::stats_stale:
                flag(row, DomainFlags::stale_stats, begins);
                break;
            case ScenarioAction::hotplug_remove:
            case ScenarioAction::hotplug_add:
            case ScenarioAction::hotplug_cancel:
                hotplug(event, begins, row);
                break;
            case ScenarioAction::migrate_pages:
                tell(EventKind::page_migrated, row, std::min(event.bytes, table_.loaned_bytes[row]),
                     table_.loaned_bytes[row]);
                break;
            case ScenarioAction::domain_stop:
                go(guest_index);
                return;
            case ScenarioAction::domain_start:
            case ScenarioAction::set_parameter:
                return;
        }
        refresh(guest_index);
    }

    void hotplug(const ScenarioEvent& event, bool begins, std::size_t row) {
        flag(row, DomainFlags::hotplug, begins);
        if (begins) {
            tell(EventKind::hotplug_began, row, event.bytes, table_.loaned_bytes[row]);
            return;
        }
        std::uint64_t moved = 0;
        std::uint64_t& total = table_.total_bytes[row];
        if (event.action == ScenarioAction::hotplug_add) {
            moved = event.bytes & ~page_mask(row);
            total += moved;
        } else if (event.action == ScenarioAction::hotplug_remove) {
            // What is lent cannot be taken out of the machine.
            moved = std::min(event.bytes & ~page_mask(row), total - table_.loaned_bytes[row]);
            total -= moved;
        }
        tell(event.action == ScenarioAction::hotplug_cancel ? EventKind::hotplug_cancelled
                                                            : EventKind::hotplug_ended,
             row, moved, table_.loaned_bytes[row]);
    }

    void flag(std::size_t row, DomainFlags bit, bool on) {
        table_.flags[row] = on ? table_.flags[row] | bit : table_.flags[row] & ~bit;
    }

    void mark(std::size_t row, DomainFlags bit, bool on, EventKind began, EventKind ended) {
        flag(row, bit, on);
        tell(on ? began : ended, row, 0, table_.loaned_bytes[row]);
    }

    void come(std::size_t guest_index) {
        const std::size_t row = table_.size();
        table_.resize(row + 1);
        guest_of_row_.push_back(guest_index);
        fill_row(row, guest_index);
        ++table_.membership;
        tell(EventKind::domain_came, row, 0, 0);
    }

    void go(std::size_t guest_index) {
        const std::size_t row = guests_[guest_index].row;
        tell(EventKind::domain_went, row, 0, 0);
        guests_[guest_index].present = false;
        table_.remove_row(row);
        guest_of_row_[row] = guest_of_row_.back();
        guest_of_row_.pop_back();
        if (row < guest_of_row_.size()) guests_[guest_of_row_[row]].row = row;
        ++table_.membership;
    }

    void set_loaned(std::size_t row, std::uint64_t loaned_bytes) noexcept {
        table_.loaned_bytes[row] = loaned_bytes;
        MockGuest& guest = guests_[guest_of_row_[row]];
        guest.moving = false;
        refresh(guest_of_row_[row]);
    }

    std::uint64_t halfway(std::size_t row, std::uint64_t from, std::uint64_t to) const noexcept {
        const std::uint64_t middle = from < to ? from + (to - from) / 2 : from - (from - to) / 2;
        return middle & ~page_mask(row);
    }

    HostState host() const {
        HostState host;
        std::uint64_t kept = 0;
        std::uint64_t entitled = 0;
        for (std::size_t row = 0; row < table_.size(); ++row) {
            entitled += table_.total_bytes[row];
            kept += table_.total_bytes[row] - table_.loaned_bytes[row];
        }
        host.total_bytes =
            scenario_.pool.memory_bytes != 0 ? scenario_.pool.memory_bytes : entitled;
        host.available_bytes = host.total_bytes - std::min(host.total_bytes, kept);
        return host;
    }

    void tell(EventKind kind, std::size_t row, std::uint64_t bytes, std::uint64_t loaned_bytes) {
        if (sink_ == nullptr) return;
        sink_->on_event({kind, clock_.now(), table_.key[row], bytes, loaned_bytes, {}});
    }

    const Scenario scenario_;
    const Clock& clock_;
    const Capabilities capabilities_;
    FaultPlan faults_;
    Timeline timeline_;
    EventSink* sink_ = nullptr;
    Time start_{};
    DomainTable table_;
    std::vector<MockGuest> guests_;
    std::vector<std::string> names_;
    std::vector<std::size_t> guest_of_row_;
    std::vector<std::size_t> lively_;
    std::unordered_map<DomainKey, std::size_t> guest_by_key_;
};

}  // namespace

std::unique_ptr<Backend> make_mock_backend(const Scenario& scenario, const Clock& clock) {
    return std::make_unique<MockBackend>(scenario, clock);
}

}  // namespace ballast
