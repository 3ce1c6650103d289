#include "ctl/compare_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/units.h"
#include "compare/verdict.h"
#include "ctl/table.h"

namespace ballast::ctl {
namespace {

using compare::RunResult;

std::string percent(double value) {
    return fmt::format("{:.4f}", value);
}

double gib(double bytes) {
    return bytes / static_cast<double>(kGiB);
}

// How demand was made, where it was made in more than one way.
std::string demand_text(const DemandScale& demand) {
    return fmt::format("{:g}% + {:g}x", demand.floor_share * 100, demand.k);
}

std::string runs_text(const compare::Comparison& comparison, const Terminal& terminal) {
    Table table({{"POLICY", Align::left, Fit::keep},
                 {"DEMAND", Align::left, Fit::keep},
                 {"RATIO", Align::right, Fit::keep},
                 {"STALL %", Align::right, Fit::keep},
                 {"FRONT", Align::left, Fit::keep},
                 {"OOMS", Align::right, Fit::keep},
                 {"GUESTS %", Align::right, Fit::drop},
                 {"HOST %", Align::right, Fit::drop},
                 {"LENT GiB", Align::right, Fit::drop},
                 {"MOVED GiB/h", Align::right, Fit::drop},
                 {"SWAPPED GiB", Align::right, Fit::drop}});
    const std::vector<bool> front = compare::pareto_front(comparison.results);
    for (std::size_t i = 0; i < comparison.results.size(); ++i) {
        const RunResult& result = comparison.results[i];
        const HarmTotals& totals = result.totals;
        const double guest_s = std::max(totals.guest_s, 1e-9);
        const double hours = guest_s / 3600;
        const bool good = compare::is_good(result);
        const Colour colour = front[i] ? Colour::bold : good ? Colour::none : Colour::dim;
        table.add({{result.policy, colour},
                   {demand_text(result.demand), colour},
                   {fmt::format("{:.2f}", result.overcommit), colour},
                   {percent(result.stall_percent()), colour},
                   {front[i] ? "*" : "", colour},
                   {std::to_string(result.ooms()), result.ooms() > 0 ? Colour::red : colour},
                   {percent(100 * totals.guest_stall_s / guest_s), colour},
                   {percent(100 * totals.host_stall_s / guest_s), colour},
                   {fmt::format("{:.2f}", gib(totals.lent_byte_s) / guest_s), colour},
                   {fmt::format("{:.3f}", gib(totals.moved) / hours), colour},
                   {fmt::format("{:.1f}", gib(totals.host_swapped_out)), colour}});
    }
    return table.render(terminal);
}

std::string density_text(const compare::Comparison& comparison, const Terminal& terminal) {
    std::vector<compare::Density> densities = compare::densities(comparison.results);
    std::stable_sort(
        densities.begin(), densities.end(),
        [](const compare::Density& a, const compare::Density& b) { return a.density > b.density; });
    Table table({{"POLICY", Align::left, Fit::keep},
                 {"DEMAND", Align::left, Fit::keep},
                 {"DENSITY", Align::right, Fit::keep}});
    for (const compare::Density& one : densities)
        table.add({{one.policy, Colour::none},
                   {demand_text(one.demand), Colour::none},
                   {one.density > 0 ? fmt::format("{:.2f}", one.density) : "none", Colour::none}});
    return table.render(terminal);
}

}  // namespace

std::string controller_text(const std::vector<RunResult>& results, const Terminal& terminal) {
    Table table({{"POLICY", Align::left, Fit::keep},
                 {"RATIO", Align::right, Fit::keep},
                 {"DOMAIN TICKS", Align::right, Fit::drop},
                 {"CREDIT %", Align::right, Fit::keep},
                 {"PRESSURE %", Align::right, Fit::keep},
                 {"NEEDS %", Align::right, Fit::keep},
                 {"STUCK %", Align::right, Fit::keep},
                 {"HELD %", Align::right, Fit::keep},
                 {"STEP LIMIT %", Align::right, Fit::drop},
                 {"HOST FULL %", Align::right, Fit::drop},
                 {"OTHER %", Align::right, Fit::drop}});
    bool any = false;
    for (const RunResult& result : results) {
        if (!result.controller) continue;
        any = true;
        const compare::ControllerTicks& ticks = *result.controller;
        const auto share = [&result](std::uint64_t count) -> Cell {
            const auto all = static_cast<double>(std::max<std::uint64_t>(result.domain_ticks, 1));
            return {count == 0 ? "0" : percent(100 * static_cast<double>(count) / all)};
        };
        table.add({{result.policy},
                   {fmt::format("{:.2f}", result.overcommit)},
                   {std::to_string(result.domain_ticks)},
                   share(ticks.credit),
                   share(ticks.pressure),
                   share(ticks.needs),
                   share(ticks.stuck),
                   share(ticks.held),
                   share(ticks.step_limit),
                   share(ticks.host_full),
                   share(ticks.other)});
    }
    if (!any) return {};
    return "Through the controller, which may decide otherwise than the policy alone in so much "
           "of\n"
           "all domains' ticks: a domain has an OOM credit, is short (PRESSURE) or would be "
           "(NEEDS),\n"
           "is stuck or held, may move a step at most, or is to have back what the host has not\n" +
           table.render(terminal);
}

std::string comparison_text(const compare::Comparison& comparison, const Terminal& terminal) {
    const std::string controller = controller_text(comparison.results, terminal);
    return fmt::format("{}\n\n{}\n{}\n{}{}{}", comparison.input, runs_text(comparison, terminal),
                       "* nobody else lends as much with less harm (RATIO: guests' memory over the "
                       "host's;\n  LENT and MOVED for each guest, on average)\n",
                       density_text(comparison, terminal), controller.empty() ? "" : "\n",
                       controller);
}

}  // namespace ballast::ctl
