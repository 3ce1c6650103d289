#include <fmt/format.h>

#include "base/glob.h"
#include "config/scenario_parts.h"
#include "config/sections.h"
#include "config/text.h"

namespace ballast {
namespace {

void read_pool(const YamlNode& node, ScenarioContext& context) {
    ScenarioPool& pool = context.scenario.pool;
    Section section(node, "scenario.pool", context.problems);
    const bool has_size = section.size("memory", pool.memory_bytes, {kMiB, Section::kAnySize});
    if (section.size("reserve", pool.reserve_bytes) && has_size &&
        pool.reserve_bytes > pool.memory_bytes) {
        section.problem(
            "reserve",
            fmt::format("scenario.pool.reserve is {}, expected at most the pool's {}",
                        format_size(pool.reserve_bytes), format_size(pool.memory_bytes)));
    }
}

void read_trace_part(const YamlNode& node, ScenarioContext& context) {
    ScenarioTrace& trace = context.scenario.trace;
    Section section(node, "scenario.trace", context.problems);
    section.require("file", "a CSV of vm,t_s,capacity_kib,used_kib");
    if (section.text("file", trace.path) && trace.path.empty())
        section.problem("file", "scenario.trace.file is empty, expected the name of a file");
    section.number("floor_percent", trace.floor_percent, {0, 100});
    section.number("k", trace.k, {0, 1000});
    if (context.backend != "workload" && !context.backend.empty())
        section.problem("file", fmt::format("scenario.trace is for backend workload, found with "
                                            "'{}'",
                                            context.backend));
}

void read_description(Section& section, std::string& into) {
    section.require("description", "one sentence on what happens");
    if (!section.text("description", into)) return;
    if (into.empty() || into.find('\n') != std::string::npos) {
        section.problem("description",
                        fmt::format("scenario.description is '{}', expected one sentence on what "
                                    "happens, on one line",
                                    shown(into)));
    }
}

}  // namespace

std::vector<SpecIndex> read_target(Section& section, const ScenarioContext& context,
                                   std::string& into) {
    if (!section.text("domain", into) || into.empty()) return context.names.matching("");
    if (const auto problem = glob_problem(into); !problem.empty()) {
        section.problem("domain", fmt::format("{} '{}' {}, expected a domain's name or a glob such "
                                              "as 'db-*'",
                                              section.full_name("domain"), shown(into), problem));
        return {};
    }
    std::vector<SpecIndex> found = context.names.matching(into);
    if (found.empty() && context.names_known) {
        section.problem("domain", fmt::format("{} is '{}', expected {} the scenario's domains",
                                              section.full_name("domain"), shown(into),
                                              is_glob(into) ? "a glob that matches one of"
                                                            : "the name of one of"));
    }
    return found;
}

Scenario read_scenario(const YamlNode& node, const std::string& backend,
                       std::vector<ConfigProblem>& problems) {
    Scenario scenario;
    ScenarioContext context{backend, scenario, problems};
    Section section(node, "scenario", problems);
    read_description(section, scenario.description);
    const bool has_end = section.duration("duration", scenario.duration,
                                          {std::chrono::milliseconds(10), kLongestScenario});
    if (has_end || !section.has("duration")) context.latest = scenario.duration;
    section.number("seed", scenario.seed, {0, std::uint64_t{1} << 62U});
    if (const YamlNode* const pool = section.find("pool")) read_pool(*pool, context);

    const YamlNode* const trace = section.find("trace");
    if (trace != nullptr) {
        read_trace_part(*trace, context);
        if (section.has("domains"))
            section.problem("domains",
                            "scenario.domains stands beside a trace, whose machines are the "
                            "domains; expected one of them");
    } else {
        section.require("domains", "a list of at least one domain");
    }
    if (const YamlNode* const domains = section.list("domains")) {
        if (domains->items.empty()) {
            section.problem("domains", "scenario.domains is empty, expected at least one domain");
        }
        read_scenario_domains(*domains, context);
    }
    if (const YamlNode* const events = section.list("events")) {
        read_scenario_events(*events, context);
    }
    if (const YamlNode* const faults = section.list("faults")) {
        read_scenario_faults(*faults, context);
    }
    return scenario;
}

}  // namespace ballast
