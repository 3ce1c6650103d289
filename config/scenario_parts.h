// The readers of a scenario's parts; each appends to `scenario` what it could read.
#pragma once

#include "config/scenario_names.h"
#include "config/section.h"
#include "model/scenario.h"

namespace ballast {

inline constexpr Duration kLongestScenario = std::chrono::hours(24 * 3660);
// 4 PiB: what 52 bits of a physical address reach.
inline constexpr std::uint64_t kLargestGuest = std::uint64_t{1} << 52U;
// Of all domains together, so that sums fit.
inline constexpr std::uint64_t kMostScenarioBytes = std::uint64_t{1} << 62U;
// Backend pseries keeps each page of a guest, by a number of 32 bits.
inline constexpr std::uint64_t kMostPseriesPages = std::uint64_t{1} << 31U;

// What all parts share while a scenario is read.
struct ScenarioContext {
    const std::string& backend;  // empty = unknown
    Scenario& scenario;
    std::vector<ConfigProblem>& problems;
    ScenarioNames names{};
    // Domains as they were read; false if names cannot be told.
    bool names_known = false;
    // No later than this; the scenario's duration, where that was readable.
    Duration latest = kLongestScenario;
};

// SIZE, or {points: [[TIME, SIZE], ...], repeat: TIME, jitter_percent: N}. Sizes up to
// `most_bytes`.
Curve read_curve(const YamlNode& node, const std::string& name, std::uint64_t most_bytes,
                 std::vector<ConfigProblem>& problems);

void read_scenario_domains(const YamlNode& list, ScenarioContext& context);
void read_scenario_events(const YamlNode& list, ScenarioContext& context);
void read_scenario_faults(const YamlNode& list, ScenarioContext& context);

// Reads the key `domain`, a name or glob, into `into`; answers the domains it means. A problem if
// there is none.
std::vector<SpecIndex> read_target(Section& section, const ScenarioContext& context,
                                   std::string& into);

}  // namespace ballast
