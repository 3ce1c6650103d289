#include "sim/workload.h"

#include <algorithm>

namespace ballast {

std::uint64_t largest_capacity_bytes(const Workload& workload) {
    std::uint64_t now = 0;
    std::uint64_t most = 0;
    for (std::size_t i = 0; i < workload.changes.size(); ++i) {
        const WorkloadChange& change = workload.changes[i];
        const std::uint64_t capacity = workload.vms[change.vm].capacity_bytes;
        if (change.kind == WorkloadChangeKind::comes) now += capacity;
        if (change.kind == WorkloadChangeKind::goes) now -= capacity;
        // Only once all that happens at this time has happened.
        const bool last_of_time =
            i + 1 == workload.changes.size() || workload.changes[i + 1].at_s > change.at_s;
        if (last_of_time) most = std::max(most, now);
    }
    return most;
}

}  // namespace ballast
