// What a reload changes, what it leaves for the next start, and nothing in between.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/changed_keys.h"
#include "config/settings.h"

namespace ballast {

struct ReloadChanges {
    std::vector<ChangedKey> applied;        // against the configuration in force
    std::vector<ChangedKey> at_next_start;  // against that of the start
};

// Whether a change of this key of the file takes effect at once. Every other key, also one that is
// not known here, needs a restart. Pure.
bool is_applied_by_reload(std::string_view key) noexcept;

// `started_with`, `in_force` and `fresh` were read without a problem. Pure.
ReloadChanges reload_changes(const Settings& started_with, const Settings& in_force,
                             const Settings& fresh);

// "running", or "running; at the next start: backend.uri, listen.http". Pure.
std::string reload_status(const ReloadChanges& changes);

}  // namespace ballast
