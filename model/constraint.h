// Why a decision stopped where it did.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace ballast {

enum class Constraint : std::uint8_t {
    none,           // the request was met
    min_mem,        // min_mem_mb bounds it
    oom_credit,     // what the guest took back when it ran out of memory is not asked for again
    hotplug,        // memory hotplug runs, or ran less than hotplug_delay ago
    migrating,      // the domain is being migrated
    paused,         // the domain does not run
    disabled,       // switched off by the operator
    stale_stats,    // guest statistics are missing or too old
    stuck,          // the guest makes no progress towards its target
    no_driver,      // no balloon device, or no driver behind it
    rate_limit,     // bounded by the step allowed in one tick
    deadband,       // the difference is too small to be worth a move
    reservation,    // host memory is reserved for something else
    host_floor,     // the host does not have the memory to give back yet
    pinned_memory,  // lending would free nothing
    backend_error,  // the backend refused or failed
    surge,          // the guest ran short: it has everything back, and is left alone for a while
    no_stats,       // guest statistics never came
    bad_stats,      // guest statistics contradict each other
    saving,         // the domain is being saved, dumped or snapshot
    crashed,        // the guest has crashed
    set_by_others,  // somebody else set the balloon, which counts
    guest_needs,    // the guest would be short of memory if it lent more
    memory_limit,   // the memory cgroup around the domain holds no more
    state_unsaved,  // the domain's original size is not on disk, so that it is not to lend more
};
inline constexpr std::size_t kConstraintCount = 25;

// The stable name used in JSON, metrics and text ("min_mem").
std::string_view to_string(Constraint constraint) noexcept;
// One clause for people, e.g. "min_mem_mb leaves no more to lend".
std::string_view describe(Constraint constraint) noexcept;

}  // namespace ballast
