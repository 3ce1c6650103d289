#include "compare/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "compare/constants.h"
#include "compare/verdict.h"

namespace ballast::compare {
namespace {

std::string demand_text(const DemandScale& demand) {
    if (demand.floor_share == 0 && demand.k == 1) return "as in the input";
    return fmt::format("{:g} % of capacity + {:g} × used", demand.floor_share * 100, demand.k);
}

report::PageRun page_run(const RunResult& result, bool on_front) {
    const HarmTotals& totals = result.totals;
    const double guest_s = std::max(totals.guest_s, 1e-9);
    report::PageRun run;
    run.policy = result.policy;
    run.ratio = result.overcommit;
    run.demand = demand_text(result.demand);
    run.host_bytes = static_cast<std::int64_t>(result.host_bytes);
    run.reserve_bytes = static_cast<std::int64_t>(result.reserve_bytes);
    run.stall_percent = result.stall_percent();
    run.guest_stall_percent = 100 * totals.guest_stall_s / guest_s;
    run.host_stall_percent = 100 * totals.host_stall_s / guest_s;
    run.guest_ooms = totals.guest_ooms;
    run.host_ooms = totals.host_ooms;
    run.lent_bytes = totals.lent_byte_s / guest_s;
    constexpr double kHour_s = 3600;
    run.moved_bytes_per_h = totals.moved / guest_s * kHour_s;
    run.swapped_out_bytes = totals.host_swapped_out;
    run.is_good = is_good(result);
    run.on_front = on_front;
    run.history = result.history;
    return run;
}

}  // namespace

report::PageInput page_input(const Workload& workload, const Constants& constants,
                             const Comparison& comparison) {
    report::PageInput input;
    input.name = comparison.input;
    input.length_s = workload.length_s;
    input.tick_s = constants.tick_s;
    for (const WorkloadVm& vm : workload.vms)
        input.domains.push_back({vm.name, static_cast<std::int64_t>(vm.capacity_bytes)});
    const std::vector<bool> front = pareto_front(comparison.results);
    for (std::size_t i = 0; i < comparison.results.size(); ++i)
        input.runs.push_back(page_run(comparison.results[i], front[i]));
    for (const Density& one : densities(comparison.results))
        input.densities.push_back({one.policy, demand_text(one.demand), one.density});
    return input;
}

report::Page page_of(std::vector<report::PageInput> inputs, const Constants& constants) {
    report::Page page;
    page.title = "Which policy lends most, at what harm?";
    page.facts_title = "Constants of the model that differ from the default";
    page.goal_stall_percent = kGoodStallPercent;
    page.bounds = {"static", kClairvoyant};
    const Constants defaults;
    if (constants.tick_s != defaults.tick_s)
        page.facts.push_back(
            {"tick", fmt::format("{:g} s", constants.tick_s),
             fmt::format("time between two decisions; {:g} s by default", defaults.tick_s)});
    for (const ConstantEntry& entry : constant_catalogue()) {
        const double value = entry.get(constants);
        const double by_default = entry.get(defaults);
        if (value == by_default) continue;
        page.facts.push_back({std::string(entry.name), fmt::format("{:g}", value),
                              fmt::format("{}; {:g} by default", entry.meaning, by_default)});
    }
    page.inputs = std::move(inputs);
    return page;
}

}  // namespace ballast::compare
