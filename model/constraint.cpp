#include "model/constraint.h"

namespace ballast {
namespace {

struct Words {
    std::string_view name;
    std::string_view description;
};

constexpr std::array<Words, kConstraintCount> kWords{{
    {"none", "nothing stood in the way"},
    {"min_mem", "min_mem_mb leaves no more to lend"},
    {"oom_credit", "the guest took memory back when it ran out, and is not asked for that again"},
    {"hotplug", "memory hotplug is running or has just run"},
    {"migrating", "the domain is being migrated"},
    {"paused", "the domain is not running"},
    {"disabled", "the operator switched lending off"},
    {"stale_stats", "the guest's statistics are missing or too old"},
    {"stuck", "the guest makes no progress towards its target"},
    {"no_driver", "the domain has no balloon device, or no driver answers it"},
    {"rate_limit", "one tick moves no more than the configured step"},
    {"deadband", "the difference is too small to be worth a move"},
    {"reservation", "host memory is reserved"},
    {"host_floor", "the host does not have the memory free yet"},
    {"pinned_memory", "the domain's memory is pinned, lending would free nothing"},
    {"backend_error", "the hypervisor refused or failed"},
    {"surge", "the guest ran short of memory, has it back and is left alone for a while"},
    {"no_stats", "the guest never sent statistics, so that nothing is known of its need"},
    {"bad_stats", "the guest's statistics contradict each other"},
    {"saving", "the domain is being saved, dumped or snapshot"},
    {"crashed", "the guest has crashed"},
    {"set_by_others", "somebody else set the balloon, and what they set stands"},
    {"guest_needs", "by its own figures the guest would be short of memory if it lent more"},
    {"memory_limit",
     "the memory cgroup around the domain, or its <memtune>, can hold no more than that"},
    {"state_unsaved",
     "the domain's original size is not on disk yet, and nothing more is lent before it is"},
}};

}  // namespace

std::string_view to_string(Constraint constraint) noexcept {
    return kWords[static_cast<std::size_t>(constraint)].name;
}

std::string_view describe(Constraint constraint) noexcept {
    return kWords[static_cast<std::size_t>(constraint)].description;
}

}  // namespace ballast
