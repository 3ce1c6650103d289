#include "controller/reload.h"

#include <algorithm>
#include <array>

namespace ballast {
namespace {

// Keys, and sections with all their keys.
constexpr std::array<std::string_view, 9> kApplied{"bus",    "cmm",           "domains",
                                                   "guests", "host",          "metrics.max_domains",
                                                   "policy", "state.on_stop", "state.stop_timeout"};

// A scenario's hypervisor is made at the start, with or without its calls.
constexpr std::string_view kMadeAtStart = "cmm.simulate_hypervisor";

bool is_within(std::string_view key, std::string_view section) noexcept {
    return key.starts_with(section) && (key.size() == section.size() || key[section.size()] == '.');
}

}  // namespace

bool is_applied_by_reload(std::string_view key) noexcept {
    return key != kMadeAtStart &&
           std::any_of(kApplied.begin(), kApplied.end(),
                       [key](std::string_view section) { return is_within(key, section); });
}

ReloadChanges reload_changes(const Settings& started_with, const Settings& in_force,
                             const Settings& fresh) {
    ReloadChanges changes;
    for (ChangedKey& key : changed_keys(in_force.text, fresh.text))
        if (is_applied_by_reload(key.name)) changes.applied.push_back(std::move(key));
    // The policy follows cmm.simulate at once; a scenario's hypervisor does not.
    const bool has_calls_changed =
        started_with.scenario && fresh.scenario &&
        started_with.scenario->hypervisor_calls != fresh.scenario->hypervisor_calls;
    for (ChangedKey& key : changed_keys(started_with.text, fresh.text))
        if (!is_applied_by_reload(key.name) || (has_calls_changed && key.name == "cmm.simulate"))
            changes.at_next_start.push_back(std::move(key));
    return changes;
}

std::string reload_status(const ReloadChanges& changes) {
    std::string names;
    for (const ChangedKey& key : changes.at_next_start)
        names.append(names.empty() ? "running; at the next start: " : ", ").append(key.name);
    return names.empty() ? "running" : names;
}

}  // namespace ballast
