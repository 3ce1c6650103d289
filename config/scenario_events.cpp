#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "config/scenario_parts.h"
#include "config/text.h"

namespace ballast {
namespace {

enum class Use : std::uint8_t { never, optional, required };

// Each action takes only the keys that mean something to it.
struct ActionRule {
    ScenarioAction action;
    std::string_view name;
    Use size = Use::never;
    Use lasts = Use::never;
    Use parameter = Use::never;  // and value
};

constexpr std::array<ActionRule, 19> kRules{{
    {ScenarioAction::loan_request, "loan_request", Use::required},
    {ScenarioAction::used, "used", Use::required},
    {ScenarioAction::oom, "oom"},
    {ScenarioAction::pause, "pause", Use::never, Use::optional},
    {ScenarioAction::resume, "resume"},
    {ScenarioAction::hotplug_remove, "hotplug_remove", Use::required, Use::optional},
    {ScenarioAction::hotplug_add, "hotplug_add", Use::required, Use::optional},
    {ScenarioAction::hotplug_cancel, "hotplug_cancel", Use::required, Use::optional},
    {ScenarioAction::migrate, "migrate", Use::never, Use::optional},
    {ScenarioAction::migrate_pages, "migrate_pages", Use::required},
    {ScenarioAction::domain_stop, "domain_stop"},
    {ScenarioAction::domain_start, "domain_start"},
    {ScenarioAction::driver_gone, "driver_gone", Use::never, Use::optional},
    {ScenarioAction::stats_stale, "stats_stale", Use::never, Use::optional},
    {ScenarioAction::driver_slow, "driver_slow", Use::never, Use::optional},
    {ScenarioAction::driver_intermittent, "driver_intermittent", Use::never, Use::optional},
    {ScenarioAction::stats_lying, "stats_lying", Use::never, Use::optional},
    {ScenarioAction::reserve, "reserve", Use::required, Use::optional},
    {ScenarioAction::set_parameter, "set", Use::never, Use::never, Use::required},
}};

const std::vector<std::string_view>& action_names() {
    static const std::vector<std::string_view> names = [] {
        std::vector<std::string_view> all;
        for (const ActionRule& rule : kRules) all.push_back(rule.name);
        return all;
    }();
    return names;
}

bool mock_alone(ScenarioAction action) noexcept {
    return action == ScenarioAction::driver_slow || action == ScenarioAction::driver_intermittent ||
           action == ScenarioAction::stats_lying;
}

void check_use(Section& section, std::string_view key, Use use, std::string_view action) {
    if (use == Use::never && section.has(key)) {
        section.problem(key,
                        fmt::format("{} means nothing to '{}'", section.full_name(key), action));
    } else if (use == Use::required && !section.has(key)) {
        section.problem(
            key, fmt::format("{} is missing, '{}' needs it", section.full_name(key), action));
    }
}

// Attributes that ballastctl set would take.
void read_parameter(Section& section, ScenarioEvent& event) {
    static const std::vector<std::string_view> kOfAll{"delay", "debug"};
    static const std::vector<std::string_view> kNames{
        "delay", "hotplug_delay", "oom_kb",       "min_mem_mb",
        "debug", "disable",       "oom_freed_kb", "simulate_loan_target_kb"};
    if (const auto index = section.choice("parameter", kNames)) event.parameter = kNames[*index];
    const bool of_all = std::find(kOfAll.begin(), kOfAll.end(), event.parameter) != kOfAll.end();
    if (of_all && !event.domain.empty()) {
        section.problem("domain", fmt::format("{} is '{}', expected none: '{}' holds for all",
                                              section.full_name("domain"), shown(event.domain),
                                              event.parameter));
    }
    std::uint64_t value = 0;
    const bool credit = event.parameter == "oom_freed_kb";
    if (section.number("value", value, {0, credit ? 0 : std::uint64_t{1} << 53U})) {
        event.value = std::to_string(value);
    }
}

// The most that a domain can have by way of events: its memory and all that is ever added.
std::uint64_t largest_memory(const ScenarioContext& context, SpecIndex spec) {
    std::uint64_t bytes = context.scenario.domains[spec].memory_bytes;
    for (const ScenarioEvent& event : context.scenario.events) {
        if (event.action != ScenarioAction::hotplug_add) continue;
        const auto met = context.names.matching(event.domain);
        if (std::find(met.begin(), met.end(), spec) != met.end()) bytes += event.bytes;
    }
    return bytes;
}

void check_size(Section& section, const ScenarioContext& context, const ScenarioEvent& event,
                const std::vector<SpecIndex>& targets) {
    const bool within_memory = event.action == ScenarioAction::used ||
                               event.action == ScenarioAction::hotplug_remove ||
                               event.action == ScenarioAction::hotplug_cancel;
    if (!within_memory || !context.names_known) return;
    for (const SpecIndex spec : targets) {
        if (event.bytes <= context.scenario.domains[spec].memory_bytes) continue;
        const std::uint64_t most_bytes = largest_memory(context, spec);
        if (event.bytes <= most_bytes) continue;
        section.problem("size",
                        fmt::format("{} is {}, expected at most what '{}' has, {}",
                                    section.full_name("size"), format_size(event.bytes),
                                    context.scenario.domains[spec].name, format_size(most_bytes)));
        return;
    }
}

// Memory that is added counts with what the domain may have by then.
void check_added(Section& section, const ScenarioContext& context,
                 const std::vector<SpecIndex>& targets) {
    if (context.backend != "pseries" || !context.names_known) return;
    for (const SpecIndex spec : targets) {
        const ScenarioDomain& domain = context.scenario.domains[spec];
        const std::uint64_t most_bytes = kMostPseriesPages * domain.page_bytes;
        if (largest_memory(context, spec) <= most_bytes) continue;
        section.problem(
            "size", fmt::format("{} makes it more than '{}' can have on backend pseries, {}",
                                section.full_name("size"), domain.name, format_size(most_bytes)));
        return;
    }
}

void read_event(const YamlNode& node, std::size_t index, ScenarioContext& context) {
    Section section(node, fmt::format("scenario.events[{}]", index), context.problems);
    ScenarioEvent event;
    section.require("at", "a time since the start");
    section.duration("at", event.at, {Duration{0}, context.latest});
    section.require("do", fmt::format("one of: {}", fmt::join(action_names(), ", ")));
    const auto action = section.choice("do", action_names());
    const std::vector<SpecIndex> targets = read_target(section, context, event.domain);
    const bool has_size = section.size("size", event.bytes, {0, kLargestGuest});
    section.duration("lasts", event.lasts, {Duration{0}, kLongestScenario});
    if (section.has("parameter") || section.has("value")) {
        read_parameter(section, event);
    } else {
        section.find("parameter");
        section.find("value");
    }
    if (!action) return;
    const ActionRule& rule = kRules[*action];
    event.action = rule.action;
    check_use(section, "size", rule.size, rule.name);
    check_use(section, "lasts", rule.lasts, rule.name);
    check_use(section, "parameter", rule.parameter, rule.name);
    check_use(section, "value", rule.parameter, rule.name);
    if (mock_alone(rule.action) && context.backend == "pseries") {
        section.problem("do", fmt::format("{} '{}' is for backend mock, found with 'pseries'",
                                          section.full_name("do"), rule.name));
    }
    if (has_size) check_size(section, context, event, targets);
    context.scenario.events.push_back(std::move(event));
    if (has_size && rule.action == ScenarioAction::hotplug_add)
        check_added(section, context, targets);
}

}  // namespace

void read_scenario_events(const YamlNode& list, ScenarioContext& context) {
    for (std::size_t i = 0; i < list.items.size(); ++i) read_event(list.items[i], i, context);
}

}  // namespace ballast
