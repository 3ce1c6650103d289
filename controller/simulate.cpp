#include "controller/simulate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <unordered_map>

#include "controller/backend_factory.h"
#include "controller/controller.h"
#include "controller/parameter_events.h"
#include "sim/virtual_clock.h"

namespace ballast {
namespace {

// Gathers the report tick by tick.
class Recorder {
  public:
    Recorder(Duration duration, std::ostream* csv) : duration_(duration), csv_(csv) {
        if (csv_ != nullptr) {
            *csv_ << "time_s,domain,total_bytes,request_bytes,loan_target_bytes,loaned_bytes,"
                     "oom_freed_bytes,constraint\n";
        }
    }

    void add(const Snapshot& snapshot, Duration since_start) {
        if (snapshot.names != names_) map_rows(snapshot);
        if (report.host_available_start_bytes == kUnknownBytes) {
            report.host_available_start_bytes = snapshot.host.available_bytes;
        }
        const auto bucket = static_cast<std::size_t>(
            std::min<std::int64_t>(static_cast<std::int64_t>(kReportBuckets) - 1,
                                   since_start.count() * static_cast<std::int64_t>(kReportBuckets) /
                                       std::max<std::int64_t>(duration_.count(), 1)));
        for (std::size_t row = 0; row < snapshot.decisions.size(); ++row) {
            add_row(snapshot.decisions[row], report.domains[domain_of_row_[row]], bucket);
            if (csv_ != nullptr) write_csv(snapshot, row, since_start);
        }
        report.host_total_bytes = snapshot.host.total_bytes;
        report.host_available_bytes = snapshot.host.available_bytes;
        report.ticks = snapshot.tick.number;
        report.events = snapshot.tick.events;
        report.observe_failures = snapshot.tick.observe_failures;
        report.backend = snapshot.backend_name;
        report.policy = snapshot.policy_name;
    }

    SimulationReport report;

  private:
    void map_rows(const Snapshot& snapshot) {
        names_ = snapshot.names;
        domain_of_row_.clear();
        for (const std::string& name : names_->name) {
            const auto [entry, is_new] = domain_by_name_.try_emplace(name, report.domains.size());
            if (is_new) {
                DomainReport& domain = report.domains.emplace_back();
                domain.name = name;
                domain.loaned_series.fill(kUnknownBytes);
            }
            domain_of_row_.push_back(entry->second);
        }
    }

    static void add_row(const Decision& decision, DomainReport& domain, std::size_t bucket) {
        domain.total_bytes = decision.total_bytes;
        domain.loaned_bytes = decision.loaned_after_bytes;
        domain.loan_target_bytes = decision.loan_target_bytes;
        domain.oom_freed_bytes = decision.oom_freed_bytes;
        domain.constraint = decision.constraint;
        domain.most_loaned_bytes = std::max(domain.most_loaned_bytes, decision.loaned_after_bytes);
        domain.inflated_bytes = decision.inflated_total_bytes;
        domain.deflated_bytes = decision.deflated_total_bytes;
        ++domain.ticks_by_constraint[static_cast<std::size_t>(decision.constraint)];
        std::uint64_t& sample = domain.loaned_series[bucket];
        sample = sample == kUnknownBytes ? decision.loaned_after_bytes
                                         : std::max(sample, decision.loaned_after_bytes);
    }

    void write_csv(const Snapshot& snapshot, std::size_t row, Duration since_start) {
        const Decision& decision = snapshot.decisions[row];
        *csv_ << fmt::format(
            "{:.3f},{},{},{},{},{},{},{}\n", std::chrono::duration<double>(since_start).count(),
            snapshot.names->name[row], decision.total_bytes, decision.request_bytes,
            decision.loan_target_bytes, decision.loaned_after_bytes, decision.oom_freed_bytes,
            to_string(decision.constraint));
    }

    Duration duration_;
    std::ostream* csv_;
    std::shared_ptr<const DomainNames> names_;
    std::vector<std::size_t> domain_of_row_;
    std::unordered_map<std::string, std::size_t> domain_by_name_;
};

}  // namespace

Result<SimulationReport> simulate(Settings settings, const SimulateOptions& options) {
    if (!settings.scenario) {
        return fail(Errc::invalid_argument, "nothing to simulate: the file has no scenario",
                    EINVAL);
    }
    if (options.seed) settings.scenario->seed = *options.seed;
    const Duration duration = options.until.value_or(settings.scenario->duration);

    VirtualClock clock;
    auto made = make_backend(settings, clock);
    if (!made) return Failure(made.error());
    Backend& backend = **made;
    Controller controller(settings, backend, clock);
    ParameterEvents parameters(*settings.scenario, clock.now());
    if (auto started = backend.start(controller); !started) {
        return with_context(started.error(), "starting the simulated hypervisor");
    }

    Recorder recorder(duration, options.csv);
    const Time start = clock.now();
    const Time end = start + duration;
    Time due = start + controller.delay();
    std::int64_t told_percent = -1;
    for (;;) {
        Time next = due;
        if (const auto at = backend.next_event_at()) next = std::min(next, *at);
        if (const auto at = parameters.next_at()) next = std::min(next, *at);
        if (next > end) break;
        clock.advance_to(next);
        backend.advance();
        controller.process_events();
        parameters.apply_due(controller, next);
        if (next < due) continue;

        controller.tick(due);
        recorder.add(*controller.snapshots().latest(), due - start);
        if (options.csv != nullptr && !*options.csv) {
            return fail(Errc::io, "writing the CSV failed", errno);
        }
        due += controller.delay();
        const std::int64_t percent = (next - start) * 100 / std::max(duration, Duration{1});
        if (options.progress && percent != told_percent) {
            options.progress(static_cast<double>(percent) / 100.0);
            told_percent = percent;
        }
    }
    backend.stop();

    recorder.report.description = settings.scenario->description;
    recorder.report.profile = settings.cmm.profile == Profile::safe ? "safe" : "kernel";
    recorder.report.seed = settings.scenario->seed;
    recorder.report.duration = duration;
    return std::move(recorder.report);
}

}  // namespace ballast
