#include "sim/workload_scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/clock.h"
#include "model/domain.h"
#include "sim/curve.h"
#include "sim/domain_names.h"
#include "sim/timeline.h"

namespace ballast {
namespace {

constexpr std::size_t kMostPoints = 50'000'000;  // 800 MB
constexpr std::uint32_t kUsualWeight = 128;      // stands for the usual shares

BalloonMode mode_of(ScenarioAction action) {
    return action == ScenarioAction::driver_slow           ? BalloonMode::slow
           : action == ScenarioAction::driver_intermittent ? BalloonMode::intermittent
                                                           : BalloonMode::stuck;
}

bool is_plain(const Curve& curve) {
    return !curve.period && curve.jitter_percent == 0;
}

class ScenarioReader {
  public:
    ScenarioReader(const Scenario& scenario, double sample_s, std::vector<std::string>& left_out)
        : scenario_(scenario),
          sample_s_(sample_s),
          left_out_(left_out),
          domains_(expand_domains(scenario.domains)) {}

    Result<Workload> read(const std::string& name) {
        workload_.name = name;
        workload_.length_s = seconds_of(scenario_.duration);
        workload_.host_bytes = scenario_.pool.memory_bytes;
        workload_.reserve_bytes = scenario_.pool.reserve_bytes;
        for (std::size_t i = 0; i < domains_.size(); ++i) {
            add_vm(i);
            if (points_ > kMostPoints)
                return fail(Errc::invalid_argument,
                            fmt::format("{}: more than {} figures in all; fewer domains, a shorter "
                                        "run or a longer tick would do",
                                        name, kMostPoints));
        }
        for (std::size_t vm = 0; vm < domains_.size(); ++vm) change(0, vm, true);
        Timeline timeline(scenario_.events);
        while (const TimelineEntry* entry = timeline.pop_due(scenario_.duration))
            happen(timeline.event_of(*entry), *entry);
        if (!scenario_.faults.empty()) leave_out("faults");
        return std::move(workload_);
    }

  private:
    void add_vm(std::size_t index) {
        const ScenarioDomain& domain = scenario_.domains[domains_[index].spec];
        WorkloadVm& vm = workload_.vms.emplace_back();
        vm.name = domains_[index].name;
        vm.capacity_bytes = domain.memory_bytes;
        vm.min_mem_bytes = kUnknownBytes;
        vm.shares = domain.weight * 1000 / kUsualWeight;
        vm.balloon_bytes_per_s = domain.speed_bytes_per_s;
        vm.deflate_on_oom = domain.deflate_on_oom;
        vm.page_shift = static_cast<std::uint8_t>(std::countr_zero(domain.page_bytes));
        present_.push_back(0);
        // Domains of one entry have one curve, unless it jitters or they are given figures later.
        const bool alike = index > 0 && domains_[index].spec == domains_[index - 1].spec &&
                           domain.used.jitter_percent == 0 && !is_given(index) &&
                           !is_given(index - 1);
        if (alike) {
            vm.series = workload_.vms[index - 1].series;
        } else {
            vm.series = workload_.series.size();
            workload_.series.push_back(series_of(domain.used, index));
        }
        if (!domain.loan) return;
        vm.loan_series = workload_.series.size();
        workload_.series.push_back(series_of(*domain.loan, index));
    }

    bool is_given(std::size_t index) const {
        return std::any_of(scenario_.events.begin(), scenario_.events.end(),
                           [&](const ScenarioEvent& event) {
                               return event.action == ScenarioAction::used &&
                                      matches_domain(event.domain, domains_[index].name);
                           });
    }

    // The same figures as the simulated hypervisors take.
    DemandSeries series_of(const Curve& curve, std::size_t index) {
        const std::uint64_t seed = mix(scenario_.seed ^ mix(index + 1));
        DemandSeries series;
        if (curve.points.empty()) {
            series.points.push_back({0, 0});
        } else if (is_plain(curve)) {
            for (const Curve::Point& point : curve.points)
                series.points.push_back({seconds_of(point.at), static_cast<double>(point.bytes)});
        } else {
            for (std::size_t i = 0; points_ + i <= kMostPoints; ++i) {
                const double at_s = static_cast<double>(i) * sample_s_;
                if (at_s > workload_.length_s) break;
                const auto at =
                    std::chrono::duration_cast<Duration>(std::chrono::duration<double>(at_s));
                series.points.push_back({at_s, static_cast<double>(curve_value(curve, at, seed))});
            }
        }
        points_ += series.points.size();
        return series;
    }

    void happen(const ScenarioEvent& event, const TimelineEntry& entry) {
        const double at_s = seconds_of(entry.at);
        const bool begins = entry.phase != EventPhase::end;
        if (event.action == ScenarioAction::reserve && event.domain.empty())
            return reserve(at_s, kNobody, begins ? event.bytes : 0);
        for (std::size_t vm = 0; vm < domains_.size(); ++vm) {
            if (!matches_domain(event.domain, domains_[vm].name)) continue;
            WorkloadChange& last = workload_.changes.emplace_back();
            last.at_s = at_s;
            last.vm = vm;
            switch (event.action) {
                case ScenarioAction::domain_stop:
                case ScenarioAction::domain_start:
                    workload_.changes.pop_back();
                    change(at_s, vm, event.action == ScenarioAction::domain_start);
                    break;
                case ScenarioAction::driver_gone:
                case ScenarioAction::driver_slow:
                case ScenarioAction::driver_intermittent:
                    last.kind = WorkloadChangeKind::balloon;
                    last.balloon = begins ? mode_of(event.action) : BalloonMode::ideal;
                    break;
                case ScenarioAction::stats_stale:
                case ScenarioAction::stats_lying:
                    last.kind = WorkloadChangeKind::statistics;
                    if (begins)
                        last.statistics = event.action == ScenarioAction::stats_lying
                                              ? StatsMode::lying
                                              : StatsMode::frozen;
                    break;
                case ScenarioAction::reserve:
                    workload_.changes.pop_back();
                    reserve(at_s, vm, begins ? event.bytes : 0);
                    break;
                case ScenarioAction::used:
                    workload_.changes.pop_back();
                    use(at_s, vm, event.bytes);
                    break;
                case ScenarioAction::loan_request:
                case ScenarioAction::set_parameter:
                case ScenarioAction::oom:
                case ScenarioAction::pause:
                case ScenarioAction::resume:
                case ScenarioAction::hotplug_remove:
                case ScenarioAction::hotplug_add:
                case ScenarioAction::hotplug_cancel:
                case ScenarioAction::migrate:
                case ScenarioAction::migrate_pages:
                    workload_.changes.pop_back();
                    leave_out("events other than used, reserve, domain_*, driver_* and stats_*");
                    break;
            }
        }
    }

    void change(double at_s, std::size_t vm, bool comes) {
        if ((present_[vm] != 0) == comes) return;
        present_[vm] = comes ? 1 : 0;
        workload_.changes.push_back(
            {at_s, vm, comes ? WorkloadChangeKind::comes : WorkloadChangeKind::goes});
    }

    void reserve(double at_s, std::size_t vm, std::uint64_t bytes) {
        WorkloadChange& change = workload_.changes.emplace_back();
        change.at_s = at_s;
        change.vm = vm;
        change.kind = WorkloadChangeKind::reserves;
        change.reserved_bytes = bytes;
    }

    // From then on programs use that, whatever the curve said.
    void use(double at_s, std::size_t vm, std::uint64_t bytes) {
        auto& points = workload_.series[workload_.vms[vm].series].points;
        const auto after =
            std::find_if(points.begin(), points.end(),
                         [at_s](const DemandPoint& point) { return point.at_s > at_s; });
        double before = after == points.begin() ? points.front().bytes : (after - 1)->bytes;
        if (after != points.begin() && after != points.end()) {
            const DemandPoint& left = *(after - 1);
            before += (after->bytes - left.bytes) * (at_s - left.at_s) / (after->at_s - left.at_s);
        }
        points.erase(after, points.end());
        points.push_back({at_s, before});
        points.push_back({at_s, static_cast<double>(bytes)});
    }

    void leave_out(const std::string& what) {
        if (std::find(left_out_.begin(), left_out_.end(), what) == left_out_.end())
            left_out_.push_back(what);
    }

    const Scenario& scenario_;
    double sample_s_;
    std::vector<std::string>& left_out_;
    std::vector<NamedDomain> domains_;
    std::vector<std::uint8_t> present_;
    std::size_t points_ = 0;
    Workload workload_;
};

}  // namespace

Result<Workload> workload_of(const Scenario& scenario, const std::string& name, double sample_s,
                             std::vector<std::string>& left_out) {
    return ScenarioReader(scenario, sample_s, left_out).read(name);
}

}  // namespace ballast
