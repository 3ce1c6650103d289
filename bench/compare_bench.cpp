// A policy's run on the workload simulator, beside a pass over as many domains' needs.
#include <cstdlib>
#include <memory>
#include <numeric>

#include "base/units.h"
#include "bench/side_by_side.h"
#include "compare/run.h"
#include "sim/curve.h"

namespace ballast::bench {
namespace {

constexpr std::size_t kMachines = 60;
constexpr double kLength_s = 6 * 3600;

// Every machine needs something else each five minutes, as in a trace.
Workload made_trace() {
    Workload workload;
    workload.length_s = kLength_s;
    for (std::size_t i = 0; i < kMachines; ++i) {
        WorkloadVm vm;
        vm.name = "d" + std::to_string(i);
        vm.capacity_bytes = 8 * kGiB;
        vm.min_mem_bytes = kGiB;
        vm.balloon_bytes_per_s = kGiB;
        vm.series = i;
        workload.vms.push_back(vm);
        DemandSeries& series = workload.series.emplace_back();
        for (double at_s = 0; at_s <= kLength_s; at_s += 300)
            series.points.push_back(
                {at_s, static_cast<double>(mix(mix(i) + series.points.size()) % (2 * kGiB))});
        workload.changes.push_back({0, i, WorkloadChangeKind::comes});
    }
    return workload;
}

// At that ratio of overcommit; with `settings`, through the controller.
Case case_of(PolicyKind kind, double overcommit, std::shared_ptr<const Settings> settings = {}) {
    const auto workload = std::make_shared<const Workload>(made_trace());
    const std::string policy(entry_of(kind).name);
    const std::string name = settings ? "controller." + policy : policy;
    return {"simulate." + name, "pass", "ns/domain tick", timed([=] {
                const compare::Contestant contestant{policy, default_choice(kind)};
                const auto result =
                    compare::run(*workload, contestant, {overcommit, {0.1, 1}, settings.get()}, {});
                if (!result) std::exit(1);
                return static_cast<std::size_t>(result->domain_ticks);
            }),
            timed([workload] {
                DemandReader reader(*workload, {0.1, 1});
                std::vector<Bytes> demand(kMachines);
                volatile Bytes sum = 0;
                std::size_t domain_ticks = 0;
                for (double at_s = 0; at_s <= kLength_s; at_s += 10) {
                    reader.read(at_s, demand);
                    sum = sum + std::accumulate(demand.begin(), demand.end(), Bytes{0});
                    domain_ticks += kMachines;
                }
                return domain_ticks;
            })};
}

}  // namespace

std::vector<NamedCase> compare_cases() {
    return {{"simulate.static", [] { return case_of(PolicyKind::still, 1.0); }},
            {"simulate.ballast", [] { return case_of(PolicyKind::ballast, 2.0); }},
            {"simulate.controller.ballast",
             [] { return case_of(PolicyKind::ballast, 2.0, std::make_shared<const Settings>()); }}};
}

}  // namespace ballast::bench
