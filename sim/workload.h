// What guests need over time, whatever it was read from: a trace, a scenario or a recording.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/balloon_mode.h"

namespace ballast {

struct DemandPoint {
    double at_s = 0;
    double bytes = 0;
};

// What a guest's programs use. Constant before the first point and after the last.
struct DemandSeries {
    // At least one; times never go back. Of two at one time the later one counts from then on.
    std::vector<DemandPoint> points;
    bool steps = false;  // a value holds until the next point; otherwise linear between points
};

// What its statistics are worth.
enum class StatsMode : std::uint8_t {
    truthful,
    frozen,  // stay as they were
    lying,   // tell that nothing is used
};

inline constexpr std::size_t kNoSeries = static_cast<std::size_t>(-1);

struct WorkloadVm {
    std::string name;
    std::uint64_t capacity_bytes = 0;     // > 0, at most 2^50
    std::size_t series = 0;               // of its demand: index in Workload::series
    std::size_t loan_series = kNoSeries;  // what the hypervisor wants it to lend
    // What it keeps whatever a policy asks; kUnknownBytes = a share of its capacity.
    std::uint64_t min_mem_bytes = 0;
    std::uint64_t fixed_loan_bytes = 0;     // for policy `fixed`
    std::uint32_t shares = 1000;            // 0..10000
    std::uint64_t balloon_bytes_per_s = 0;  // 0 = at once
    bool deflate_on_oom = true;
};

enum class WorkloadChangeKind : std::uint8_t { comes, goes, balloon, statistics, reserves };

// In place of a machine: memory is reserved for somebody whom nobody sees.
inline constexpr std::size_t kNobody = static_cast<std::size_t>(-1);

// From `at_s` on. A machine that is not there uses nothing and is shown to nobody.
struct WorkloadChange {
    double at_s = 0;
    std::size_t vm = 0;  // index in Workload::vms; kind reserves: or kNobody
    WorkloadChangeKind kind = WorkloadChangeKind::comes;
    BalloonMode balloon = BalloonMode::ideal;    // kind balloon
    StatsMode statistics = StatsMode::truthful;  // kind statistics
    // Kind reserves: of the host's memory, what is to be free for that machine beside the reserve,
    // less what the machine holds. In place of what was reserved for it before; 0 = nothing.
    std::uint64_t reserved_bytes = 0;
};

struct Workload {
    std::string name;
    double length_s = 0;              // from 0 on; > 0
    std::uint64_t host_bytes = 0;     // 0 = not told: the capacities over a ratio
    std::uint64_t reserve_bytes = 0;  // of them, what is to stay free; 0 = not told
    std::vector<WorkloadVm> vms;
    std::vector<DemandSeries> series;
    std::vector<WorkloadChange> changes;  // by time; each machine comes before anything else
};

// The most memory that machines which run at the same time have in all; at most 2^62.
std::uint64_t largest_capacity_bytes(const Workload& workload);

}  // namespace ballast
