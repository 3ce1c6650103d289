#include "compare/report.h"

#include <nlohmann/json.hpp>

#include "base/units.h"
#include "compare/verdict.h"

namespace ballast::compare {
namespace {

using Json = nlohmann::ordered_json;

double gib(double bytes) {
    return bytes / static_cast<double>(kGiB);
}

std::uint64_t pages(double bytes) {
    return static_cast<std::uint64_t>(bytes / static_cast<double>(kSimPage));
}

double percent_of(double part, double whole) {
    return whole > 0 ? 100 * part / whole : 0;
}

Json sample_json(const RunSample& sample) {
    return {{"at_s", sample.at_s},
            {"lent_bytes", sample.lent},
            {"demand_bytes", sample.demand},
            {"resident_bytes", sample.resident},
            {"host_swapped_bytes", sample.swapped},
            {"stall_percent", sample.stall_percent},
            {"unused_bytes", sample.unused},
            {"usable_bytes", sample.usable},
            {"cache_bytes", sample.cache},
            {"guest_faults", sample.guest_faults},
            {"guest_ooms", sample.guest_ooms}};
}

Json controller_json(const RunResult& result) {
    const ControllerTicks& ticks = *result.controller;
    return {{"domain_ticks", result.domain_ticks},
            {"credit", ticks.credit},
            {"pressure", ticks.pressure},
            {"needs", ticks.needs},
            {"stuck", ticks.stuck},
            {"held", ticks.held},
            {"step_limit", ticks.step_limit},
            {"host_full", ticks.host_full},
            {"other", ticks.other}};
}

Json run_json(const std::string& input, const RunResult& result, bool on_front) {
    const HarmTotals& totals = result.totals;
    constexpr double kHour_s = 3600;
    Json json{{"input", input},
              {"policy", result.policy},
              {"overcommit", result.overcommit},
              {"floor_percent", result.demand.floor_share * 100},
              {"k", result.demand.k},
              {"stall_percent", result.stall_percent()},
              {"guest_stall_percent", percent_of(totals.guest_stall_s, totals.guest_s)},
              {"host_stall_percent", percent_of(totals.host_stall_s, totals.guest_s)},
              {"ooms", result.ooms()},
              {"guest_ooms", totals.guest_ooms},
              {"host_ooms", totals.host_ooms},
              {"faults", pages(totals.guest_faulted + totals.host_faulted)},
              {"guest_faults", pages(totals.guest_faulted)},
              {"host_faults", pages(totals.host_faulted)},
              {"host_swapped_out_gib", gib(totals.host_swapped_out)},
              {"moved_gib", gib(totals.moved)},
              {"lent_gib_hours", gib(totals.lent_byte_s) / kHour_s},
              {"unserved_gib_hours", gib(totals.unserved_byte_s) / kHour_s},
              {"least_available_gib", gib(static_cast<double>(totals.least_available))},
              {"host_gib", gib(static_cast<double>(result.host_bytes))},
              {"domain_hours", totals.guest_s / kHour_s},
              {"on_front", on_front}};
    if (result.controller) json["controller"] = controller_json(result);
    if (!result.samples.empty()) {
        Json samples = Json::array();
        for (const RunSample& sample : result.samples) samples.push_back(sample_json(sample));
        json["samples"] = std::move(samples);
    }
    return json;
}

}  // namespace

std::string comparison_json(const std::vector<Comparison>& comparisons) {
    Json results = Json::array();
    Json density = Json::array();
    for (const Comparison& comparison : comparisons) {
        const std::vector<bool> front = pareto_front(comparison.results);
        for (std::size_t i = 0; i < comparison.results.size(); ++i)
            results.push_back(run_json(comparison.input, comparison.results[i], front[i]));
        for (const Density& one : densities(comparison.results))
            density.push_back({{"input", comparison.input},
                               {"policy", one.policy},
                               {"floor_percent", one.demand.floor_share * 100},
                               {"k", one.demand.k},
                               {"density", one.density}});
    }
    const Json json{{"results", std::move(results)}, {"density", std::move(density)}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ballast::compare
