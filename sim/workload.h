// What guests need over time, whatever it was read from: a trace, a scenario or a recording.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
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

// What a machine that is there from the start comes with; without it, it boots then.
struct WorkloadStart {
    std::uint64_t loaned_bytes = 0;
    // Of the host's memory, and of the host's swap, what it has; kUnknownBytes = as a guest that
    // has just booted.
    std::uint64_t resident_bytes = 0;
    std::uint64_t host_swapped_bytes = 0;
    std::uint64_t cache_bytes = 0;       // of files
    std::uint64_t oom_credit_bytes = 0;  // that a controller goes on with
};

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
    // The hypervisor reports the first MiB of a move, and the rest so much after the move began, as
    // QEMU does; 0 = all of it at once. Guest statistics are of the present meanwhile.
    double size_late_s = 0;
    bool deflate_on_oom = true;
    // A scripted guest: no page cache and no reserve of its kernel's, all that is free is usable,
    // and the host holds all that it keeps. It is never short of anything but by its balloon.
    bool plain = false;
    // Its demand was read off as what it kept less what it could use (MemAvailable), so that the
    // reserve of its kernel is in it.
    bool demand_holds_reserve = false;
    std::uint8_t page_shift = 12;  // log2 of what its balloon moves at least; 12 .. 16
    std::optional<WorkloadStart> start;
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
    // What the host itself needs beyond what is off host_bytes already, signed: index in `series`.
    std::size_t own_series = kNoSeries;
    std::uint64_t host_swap_bytes = static_cast<std::uint64_t>(-1);  // all ones = not told
    double tick_s = 0;            // between two ticks of the daemon that recorded it; 0 = not told
    std::vector<double> ticks_s;  // when each of them was, rising
    std::vector<WorkloadVm> vms;
    std::vector<DemandSeries> series;
    std::vector<WorkloadChange> changes;  // by time; each machine comes before anything else
};

// Whether all of its guests are scripted, so that the host neither swaps nor kills.
bool is_plain(const Workload& workload) noexcept;

// The most memory that machines which run at the same time have in all; at most 2^62.
std::uint64_t largest_capacity_bytes(const Workload& workload);

}  // namespace ballast
