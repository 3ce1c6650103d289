// A simulated host, its domains, their workloads and what happens to them: the plain values of a
// scenario file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/units.h"

namespace ballast {

// A figure over time: linear between points, constant before the first and after the last; where
// `period` is set, time is taken modulo it. `jitter_percent` adds seeded noise to each sample.
struct Curve {
    struct Point {
        Duration at{};
        std::uint64_t bytes = 0;
    };
    std::vector<Point> points;
    std::optional<Duration> period;
    std::uint32_t jitter_percent = 0;  // 0..100
};

struct ScenarioDomain {
    std::string name;         // with count > 1: name1, name2, ...
    std::uint32_t count = 1;  // 1..1000000
    std::uint64_t memory_bytes = kGiB;
    std::uint32_t page_bytes = 64 * 1024;          // 4 KiB or 64 KiB
    std::uint64_t memory_block_bytes = 16 * kMiB;  // unit of offlining
    std::uint64_t entitled_bytes = 0;              // 0: memory_bytes
    std::uint32_t weight = 128;                    // 0..255, share when the pool is short
    Curve used;                                    // what the guest's own programs use
    std::optional<Curve> loan;  // what the hypervisor wants lent; absent: worked out from the pool
    bool deflate_on_oom = true;
    // Balloon driver: bytes it can move in a second, 0 = at once; mock only.
    std::uint64_t speed_bytes_per_s = 0;
};

enum class ScenarioAction : std::uint8_t {
    loan_request,  // the hypervisor wants `bytes` lent from now on
    used,          // the guest's programs use `bytes` from now on
    oom,           // the guest runs out of memory
    pause,         // for `lasts` (0 = until resume)
    resume,
    hotplug_remove,  // offline `bytes` of memory, taking `lasts`
    hotplug_add,     // add `bytes`, taking `lasts`
    hotplug_cancel,  // a removal that is given up after `lasts`
    migrate,         // the domain is migrated, taking `lasts`
    migrate_pages,   // compaction moves `bytes` of loaned pages
    domain_stop,     // the domain goes
    domain_start,    // and comes back, with nothing lent
    driver_gone,     // the guest's balloon driver stops answering (for `lasts`)
    stats_stale,     // the guest's statistics freeze (for `lasts`)
    // Mock and comparisons only:
    driver_slow,          // the driver moves at a hundredth of its speed (for `lasts`)
    driver_intermittent,  // it moves for half a minute, stands still for the next (for `lasts`)
    stats_lying,          // its statistics tell that nothing is used (for `lasts`)

    reserve,        // `bytes` of the host's memory are to be free (for `lasts`), for `domain`
    set_parameter,  // attribute `parameter` becomes `value`, as ballastctl set does
};

struct ScenarioEvent {
    Duration at{};
    ScenarioAction action = ScenarioAction::loan_request;
    std::string domain;  // name or glob; empty = every domain
    std::uint64_t bytes = 0;
    Duration lasts{};
    std::string parameter;
    std::string value;
};

// A hypervisor or guest that misbehaves.
struct ScenarioFault {
    std::string domain;  // name or glob; empty = every domain
    // H_GET_MPP, H_PAGE_INIT, guest_alloc, guest_free, ... (pseries); observe, observe_domain,
    // apply (mock)
    std::string call;
    // H_BUSY, H_HARDWARE, ...; fail, oom (guest_alloc, guest_free). mock: error, timeout (observe);
    // missing (observe_domain); refuse, error, partial, gone (apply). Empty: `delay` alone.
    std::string answer;
    Duration from{};
    std::optional<Duration> until;
    std::uint64_t every = 1;             // of the calls that match, every n-th fails
    std::uint64_t skip = 0;              // after the first `skip`
    std::optional<std::uint64_t> times;  // at most so often
    Duration delay{};                    // the answer comes so much later
};

struct ScenarioPool {
    std::uint64_t memory_bytes = 0;   // 0: the sum of what the domains are entitled to
    std::uint64_t reserve_bytes = 0;  // the hypervisor keeps so much free
};

// A file whose machines are the domains, in place of those of the scenario; backend workload only.
struct ScenarioTrace {
    std::string path;                  // empty = none
    std::uint32_t floor_percent = 10;  // of its capacity, what a machine always needs; 0..100
    std::uint32_t k = 2;               // how often it needs what it uses; 0..1000
};

struct Scenario {
    std::string description;  // one sentence
    Duration duration = std::chrono::minutes(10);
    std::uint64_t seed = 1;
    ScenarioPool pool;
    ScenarioTrace trace;
    std::vector<ScenarioDomain> domains;
    std::vector<ScenarioEvent> events;
    std::vector<ScenarioFault> faults;
    // pseries: the guests' drivers call the hypervisor. False: they make no call, as the kernel's
    // driver in simulate mode; what they lend is taken from the guests, and nobody gets it.
    bool hypervisor_calls = true;
};

// The name of the `number`-th (1..count) of the domains that `domain` stands for.
std::string name_of(const ScenarioDomain& domain, std::uint32_t number);

}  // namespace ballast
