#include "controller/http/metrics.h"

#include <prometheus/collectable.h>
#include <prometheus/gauge.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <limits>
#include <sstream>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "controller/http/json.h"
#include "controller/totals.h"

namespace ballast {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

ClientMetric sample(MetricType type, double value, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    return metric;
}

// A label must be UTF-8; what is not has U+FFFD in its place.
std::string label_text(std::string_view text) {
    const std::string quoted = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
    return Json::parse(quoted).get<std::string>();
}

// Domains of several hosts may share a name, but no UUID.
Labels domain_labels(const DomainNames& names, std::size_t row) {
    Labels labels{{"domain", label_text(names.name[row])}, {"uuid", to_string(names.key[row])}};
    if (const std::string_view host = host_of(names, row); !host.empty())
        labels.push_back({"host", label_text(host)});
    return labels;
}

class SnapshotCollector final : public prometheus::Collectable {
  public:
    SnapshotCollector(const SnapshotExchange& snapshots, const BackendAdmin& backends,
                      const ProbeStatus& probe, std::uint64_t max_domains,
                      std::function<std::string()> bus_path)
        : snapshots_(snapshots),
          backends_(backends),
          probe_(probe),
          max_domains_(max_domains),
          bus_path_(std::move(bus_path)) {}

    void set_max_domains(std::uint64_t max_domains) noexcept { max_domains_ = max_domains; }

    std::vector<MetricFamily> Collect() const override {
        std::vector<MetricFamily> out;
        add(out, "ballast_snapshots_skipped_total",
            "Ticks that were not published because readers held every slot.", MetricType::Counter,
            static_cast<double>(snapshots_.skipped()));
        add_bus(out);
        add_modules(out);
        add_probe(out, probe_.report());
        const auto snapshot = snapshots_.latest();
        if (!snapshot) return out;
        add_loop(out, *snapshot);
        add_state(out, *snapshot);
        add_backend(out, *snapshot);
        add_host(out, *snapshot);
        if (row_count(*snapshot) <= max_domains_) add_domains(out, *snapshot);
        return out;
    }

  private:
    static MetricFamily& family(std::vector<MetricFamily>& out, std::string name, std::string help,
                                MetricType type) {
        return out.emplace_back(MetricFamily{std::move(name), std::move(help), type, {}});
    }

    static void add(std::vector<MetricFamily>& out, std::string name, std::string help,
                    MetricType type, double value) {
        family(out, std::move(name), std::move(help), type).metric = {sample(type, value)};
    }

    static void add_known(std::vector<MetricFamily>& out, std::string name, std::string help,
                          std::uint64_t bytes) {
        if (bytes == kUnknownBytes) return;
        add(out, std::move(name), std::move(help), MetricType::Gauge, static_cast<double>(bytes));
    }

    void add_bus(std::vector<MetricFamily>& out) const {
        const std::string path = bus_path_();
        if (path.empty()) return;
        family(out, "ballast_bus_info",
               "Always 1; the label path is the file of the event bus. Absent without a bus.",
               MetricType::Gauge)
            .metric = {sample(MetricType::Gauge, 1, {{"path", path}})};
    }

    static void add_loop(std::vector<MetricFamily>& out, const Snapshot& snapshot) {
        const TickStats& tick = snapshot.tick;
        add(out, "ballast_ticks_total", "Number of ticks since the start.", MetricType::Counter,
            static_cast<double>(tick.number));
        add(out, "ballast_tick_lateness_seconds",
            "How long after its due time the last tick began.", MetricType::Gauge,
            seconds_of(tick.late));
        add(out, "ballast_tick_timestamp_seconds", "Unix time at which the last tick ran.",
            MetricType::Gauge, std::chrono::duration<double>(tick.wall.time_since_epoch()).count());
        add(out, "ballast_delay_seconds", "The configured time between ticks.", MetricType::Gauge,
            seconds_of(snapshot.delay));
        add(out, "ballast_events_total", "Number of events from the backend since the start.",
            MetricType::Counter, static_cast<double>(tick.events));
        add(out, "ballast_disabled", "1 while lending is switched off for all domains, else 0.",
            MetricType::Gauge, snapshot.disabled ? 1 : 0);
        add(out, "ballast_dry_run", "1 if the daemon decides and moves nothing, else 0.",
            MetricType::Gauge, snapshot.dry_run ? 1 : 0);
        add_histogram(out, snapshot.tick_histogram);
    }

    static void add_histogram(std::vector<MetricFamily>& out, const TickHistogram& histogram) {
        ClientMetric metric;
        std::uint64_t count = 0;
        for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
            const bool last = i == kTickBoundsSeconds.size();
            count += histogram.counts[i];
            metric.histogram.bucket.push_back(
                {count, last ? std::numeric_limits<double>::infinity() : kTickBoundsSeconds[i]});
        }
        metric.histogram.sample_count = count;
        metric.histogram.sample_sum = histogram.sum_seconds;
        family(out, "ballast_tick_duration_seconds", "Time that each tick took.",
               MetricType::Histogram)
            .metric = {std::move(metric)};
    }

    void add_modules(std::vector<MetricFamily>& out) const {
        const BackendAdmin::Counts counts = backends_.counts();
        add(out, "ballast_backend_loads_total", "Number of backends loaded since the start.",
            MetricType::Counter, static_cast<double>(counts.loads));
        add(out, "ballast_backend_unloads_total", "Number of backends unloaded since the start.",
            MetricType::Counter, static_cast<double>(counts.unloads));
        Duration longest{};
        for (const ModuleInfo& module : backends_.list())
            longest = std::max(longest, module.running_for);
        add(out, "ballast_backend_call_running_seconds",
            "Time since the longest running call into a backend began; 0 where none runs.",
            MetricType::Gauge, seconds_of(longest));
    }

    static void add_probe(std::vector<MetricFamily>& out, const ProbeReport& report) {
        add_choices(out, report.choices);
        if (!report.enabled) return;
        add(out, "ballast_refscale_cpu_seconds_total",
            "Processor time that the probe has used since the start.", MetricType::Counter,
            seconds_of(report.cpu_time));
        family(out, "ballast_refscale_experiments_total",
               "Number of experiments of the probe since the start, by outcome.",
               MetricType::Counter)
            .metric = {
            sample(MetricType::Counter, static_cast<double>(report.kept), {{"outcome", "kept"}}),
            sample(MetricType::Counter, static_cast<double>(report.thrown_away),
                   {{"outcome", "thrown_away"}})};
        std::vector<ClientMetric> read;
        std::vector<ClientMetric> spread;
        std::vector<ClientMetric> valid;
        std::vector<ClientMetric> update;
        for (const probe::Row& row : report.rows) {
            const Labels labels{{"scale_type", std::string(row.read.type->name)},
                                {"readers", std::to_string(row.read.readers)}};
            const auto gauge = [&](double value) {
                return sample(MetricType::Gauge, value, labels);
            };
            valid.push_back(gauge(row.quality == probe::Quality::steady ? 1 : 0));
            if (row.quality != probe::Quality::unusable) {
                read.push_back(gauge(row.read.ns.median * 1e-9));
                spread.push_back(gauge(row.read.spread()));
            }
            if (row.read.readers == 1 && row.update &&
                row.update_quality != probe::Quality::unusable)
                update.push_back(sample(MetricType::Gauge, row.update->ns.median * 1e-9,
                                        {{"scale_type", std::string(row.read.type->name)}}));
        }
        const auto add_all = [&](std::string name, std::string help,
                                 std::vector<ClientMetric> all) {
            if (!all.empty())
                family(out, std::move(name), std::move(help), MetricType::Gauge).metric =
                    std::move(all);
        };
        add_all("ballast_refscale_read_seconds",
                "Median time to take and drop a reference; measurements that are too noisy are "
                "left out.",
                std::move(read));
        add_all(
            "ballast_refscale_read_spread_ratio",
            "Interquartile range of the time to take and drop a reference, divided by its median.",
            std::move(spread));
        add_all(
            "ballast_refscale_valid",
            "1 where the time to take and drop a reference is steady enough to rely on, else 0.",
            std::move(valid));
        add_all("ballast_refscale_update_seconds",
                "Median time of a grace period, a removal or a lock for writing.",
                std::move(update));
    }

    static void add_choices(std::vector<MetricFamily>& out,
                            const std::vector<probe::Choice>& choices) {
        if (choices.empty()) return;
        std::vector<ClientMetric> chosen;
        std::vector<ClientMetric> cost;
        for (const probe::Choice& choice : choices) {
            chosen.push_back(sample(
                MetricType::Gauge, 1,
                {{"use", choice.use.name}, {"scheme", std::string(to_string(choice.chosen))}}));
            for (const probe::Candidate& candidate : choice.candidates)
                if (candidate.offered && candidate.unsafe.empty())
                    cost.push_back(sample(
                        MetricType::Gauge, candidate.ns_per_s * 1e-9,
                        {{"use", choice.use.name}, {"scale_type", candidate.cost.scale_type}}));
        }
        family(out, "ballast_reference_scheme",
               "Always 1; the label scheme is what counts the readers of this use.",
               MetricType::Gauge)
            .metric = std::move(chosen);
        family(out, "ballast_reference_cost_ratio",
               "Share of a core that the readers of this use would cost under each scheme.",
               MetricType::Gauge)
            .metric = std::move(cost);
    }

    static void add_state(std::vector<MetricFamily>& out, const Snapshot& snapshot) {
        const StateHealth& state = snapshot.state;
        if (state.path.empty()) return;
        add(out, "ballast_state_writable",
            "1 while the state file can be written; at 0 no domain lends more.", MetricType::Gauge,
            state.write_error.empty() ? 1 : 0);
        add(out, "ballast_state_damaged", "1 where the state file was damaged at the start.",
            MetricType::Gauge, state.damage.empty() ? 0 : 1);
        add(out, "ballast_state_unsaved_domains",
            "Domains whose original size is not on disk yet, so that they do not lend.",
            MetricType::Gauge, static_cast<double>(state.unsaved_domains));
        add(out, "ballast_state_recovered_domains",
            "Domains taken over since the start from their libvirt metadata, as their state was "
            "lost.",
            MetricType::Gauge, static_cast<double>(state.recovered_domains));
    }

    static void add_backend(std::vector<MetricFamily>& out, const Snapshot& snapshot) {
        add(out, "ballast_backend_up", "1 while the hypervisor answers, else 0.", MetricType::Gauge,
            snapshot.backend_up ? 1 : 0);
        MetricFamily& calls =
            family(out, "ballast_backend_calls_total",
                   "Number of calls into the backend since the start, by call and outcome.",
                   MetricType::Counter);
        const auto count = [&](const char* call, const char* outcome, std::uint64_t value) {
            calls.metric.push_back(sample(MetricType::Counter, static_cast<double>(value),
                                          {{"call", call}, {"outcome", outcome}}));
        };
        count("observe", "done", snapshot.calls.observe_ok);
        count("observe", "failed", snapshot.calls.observe_failed);
        count("apply", "done", snapshot.calls.apply_done);
        count("apply", "accepted", snapshot.calls.apply_accepted);
        count("apply", "partial", snapshot.calls.apply_partial);
        count("apply", "refused", snapshot.calls.apply_refused);
        count("apply", "gone", snapshot.calls.apply_gone);
        count("apply", "failed", snapshot.calls.apply_failed);
    }

    static void add_nodes(std::vector<MetricFamily>& out, const std::vector<HostNode>& nodes) {
        const auto column = [&](std::string name, std::string help, auto field) {
            std::vector<ClientMetric> samples;
            for (const HostNode& node : nodes)
                if (node.*field != kUnknownBytes)
                    samples.push_back(sample(MetricType::Gauge, static_cast<double>(node.*field),
                                             {{"node", std::to_string(node.id)}}));
            if (samples.empty()) return;
            family(out, std::move(name), std::move(help), MetricType::Gauge).metric =
                std::move(samples);
        };
        column("ballast_host_node_memory_bytes", "Memory of the NUMA node.",
               &HostNode::total_bytes);
        column("ballast_host_node_memory_free_bytes", "Unused memory of the NUMA node.",
               &HostNode::free_bytes);
        column("ballast_host_node_memory_available_bytes",
               "Estimated memory that the NUMA node can hand out without swapping.",
               &HostNode::available_bytes);
    }

    static void add_host(std::vector<MetricFamily>& out, const Snapshot& snapshot) {
        const Totals totals = totals_of(snapshot);
        add_known(out, "ballast_host_memory_bytes", "Memory of the host.",
                  snapshot.host.total_bytes);
        add_known(out, "ballast_host_memory_available_bytes",
                  "Memory that the host can hand out without swapping.",
                  snapshot.host.available_bytes);
        add(out, "ballast_host_reserve_bytes",
            "Available memory that is not lent on: host.reserve and reservations.",
            MetricType::Gauge, static_cast<double>(snapshot.reserve_bytes));
        add_known(out, "ballast_host_swap_bytes", "Swap space of the host.",
                  snapshot.host.swap_total_bytes);
        add_known(out, "ballast_host_swap_free_bytes", "Unused swap space of the host.",
                  snapshot.host.swap_free_bytes);
        if (snapshot.host.memory_stall_us != kUnknownBytes)
            add(out, "ballast_host_memory_stall_seconds_total",
                "Time during which some task of the host waited for memory (PSI, some).",
                MetricType::Counter, static_cast<double>(snapshot.host.memory_stall_us) * 1e-6);
        add_nodes(out, snapshot.host.nodes);
        add(out, "ballast_domains", "Number of domains in the last observation.", MetricType::Gauge,
            static_cast<double>(totals.domains));
        add_known(out, "ballast_host_domain_memory_bytes",
                  "Memory of all domains, including what they lend.", totals.total_bytes);
        add_known(out, "ballast_host_loaned_bytes", "Memory that all domains lend.",
                  totals.loaned_bytes);
        add_known(out, "ballast_host_loan_target_bytes", "Sum of the loan targets of all domains.",
                  totals.loan_target_bytes);
        if (snapshot.dry_run)
            add(out, "ballast_host_would_lend_bytes",
                "Sum of what all domains would lend, were this no dry run.", MetricType::Gauge,
                static_cast<double>(totals.decided_bytes));
        add_known(out, "ballast_host_oom_freed_bytes",
                  "Sum of the OOM credits of all domains; operators can clear them.",
                  totals.oom_freed_bytes);
        add(out, "ballast_host_ooms_total",
            "Number of times since the start that a guest ran out of memory.", MetricType::Counter,
            static_cast<double>(snapshot.tick.ooms));
        add(out, "ballast_host_oom_returned_bytes_total",
            "Bytes that guests took back since the start when they ran out of memory.",
            MetricType::Counter, static_cast<double>(snapshot.tick.oom_returned_bytes));
        add(out, "ballast_host_inflated_bytes_total",
            "Bytes lent since the start by all domains, including those that are gone.",
            MetricType::Counter, static_cast<double>(totals.inflated_bytes));
        add(out, "ballast_host_deflated_bytes_total",
            "Bytes given back since the start to all domains, including those that are gone.",
            MetricType::Counter, static_cast<double>(totals.deflated_bytes));
        MetricFamily& constrained =
            family(out, "ballast_constrained_domains",
                   "Number of domains by the constraint that binds their loan.", MetricType::Gauge);
        for (std::size_t i = 0; i < kConstraintCount; ++i)
            constrained.metric.push_back(
                sample(MetricType::Gauge, static_cast<double>(totals.constrained[i]),
                       {{"constraint", std::string(to_string(static_cast<Constraint>(i)))}}));
    }

    static void add_domains(std::vector<MetricFamily>& out, const Snapshot& snapshot) {
        const std::size_t rows = row_count(snapshot);
        std::vector<Labels> labels;
        labels.reserve(rows);
        for (std::size_t row = 0; row < rows; ++row)
            labels.push_back(domain_labels(*snapshot.names, row));
        const auto column = [&](std::string name, std::string help, MetricType type, auto field) {
            MetricFamily& added = family(out, std::move(name), std::move(help), type);
            added.metric.reserve(rows);
            for (std::size_t row = 0; row < rows; ++row)
                added.metric.push_back(
                    sample(type, static_cast<double>(snapshot.decisions[row].*field), labels[row]));
        };
        column("ballast_domain_memory_bytes", "Memory of the domain, including what it lends.",
               MetricType::Gauge, &Decision::total_bytes);
        column("ballast_loaned_bytes", "Memory that the domain lends.", MetricType::Gauge,
               &Decision::loaned_after_bytes);
        column("ballast_loan_target_bytes", "Loan that was decided on after all constraints.",
               MetricType::Gauge, &Decision::loan_target_bytes);
        column("ballast_oom_freed_bytes",
               "OOM credit of the domain: bytes that are not asked for again.", MetricType::Gauge,
               &Decision::oom_freed_bytes);
        column("ballast_ooms_total",
               "Number of times since it appeared that the domain ran out of memory.",
               MetricType::Counter, &Decision::ooms_total);
        column("ballast_inflated_bytes_total", "Bytes lent by the domain since it appeared.",
               MetricType::Counter, &Decision::inflated_total_bytes);
        column("ballast_deflated_bytes_total", "Bytes given back to the domain since it appeared.",
               MetricType::Counter, &Decision::deflated_total_bytes);
        std::vector<ClientMetric> ages;
        for (std::size_t row = 0; row < rows; ++row)
            if (const auto age_ms = snapshot.decisions[row].stats_age_ms; age_ms != kUnknownBytes)
                ages.push_back(
                    sample(MetricType::Gauge, static_cast<double>(age_ms) * 1e-3, labels[row]));
        if (!ages.empty())
            family(out, "ballast_domain_stats_age_seconds",
                   "Age of the statistics that the guest sent last.", MetricType::Gauge)
                .metric = std::move(ages);
        MetricFamily& constraint =
            family(out, "ballast_domain_constraint",
                   "Always 1; the label constraint is what binds the loan of the domain.",
                   MetricType::Gauge);
        for (std::size_t row = 0; row < rows; ++row) {
            labels[row].push_back(
                {"constraint", std::string(to_string(snapshot.decisions[row].constraint))});
            constraint.metric.push_back(sample(MetricType::Gauge, 1, std::move(labels[row])));
        }
    }

    const SnapshotExchange& snapshots_;
    const BackendAdmin& backends_;
    const ProbeStatus& probe_;
    std::atomic<std::uint64_t> max_domains_;
    std::function<std::string()> bus_path_;
};

}  // namespace

struct Metrics::State {
    prometheus::Registry registry;  // what does not change from tick to tick
    SnapshotCollector collector;

    State(const SnapshotExchange& snapshots, const BackendAdmin& backends, const ProbeStatus& probe,
          std::uint64_t max_domains, std::function<std::string()> bus_path)
        : collector(snapshots, backends, probe, max_domains, std::move(bus_path)) {
        prometheus::BuildGauge()
            .Name("ballast_build_info")
            .Help("Always 1; the labels are the running version and its compiler.")
            .Register(registry)
            .Add({{"version", BALLAST_VERSION}, {"compiler", BALLAST_COMPILER}})
            .Set(1);
    }
};

Metrics::Metrics(const SnapshotExchange& snapshots, const BackendAdmin& backends,
                 const ProbeStatus& probe, std::uint64_t max_domains,
                 std::function<std::string()> bus_path)
    : state_(
          std::make_unique<State>(snapshots, backends, probe, max_domains, std::move(bus_path))) {}
Metrics::~Metrics() = default;

void Metrics::set_max_domains(std::uint64_t max_domains) noexcept {
    state_->collector.set_max_domains(max_domains);
}

std::string Metrics::text() const {
    std::vector<MetricFamily> families = state_->registry.Collect();
    std::vector<MetricFamily> collected = state_->collector.Collect();
    families.insert(families.end(), std::make_move_iterator(collected.begin()),
                    std::make_move_iterator(collected.end()));
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families);
    return std::move(out).str();
}

}  // namespace ballast
