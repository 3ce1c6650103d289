#include "sim/workload.h"

#include <algorithm>

namespace ballast {
namespace {

constexpr double kMost = 4611686018427387904.0;  // 2^62

}  // namespace

bool is_plain(const Workload& workload) noexcept {
    return !workload.vms.empty() && std::all_of(workload.vms.begin(), workload.vms.end(),
                                                [](const WorkloadVm& vm) { return vm.plain; });
}

std::uint64_t largest_capacity_bytes(const Workload& workload) {
    // Not in whole numbers: any file may claim machines whose sum is beyond them.
    double now = 0;
    double most = 0;
    for (std::size_t i = 0; i < workload.changes.size(); ++i) {
        const WorkloadChange& change = workload.changes[i];
        const bool comes = change.kind == WorkloadChangeKind::comes;
        if (comes || change.kind == WorkloadChangeKind::goes) {
            const auto capacity = static_cast<double>(workload.vms[change.vm].capacity_bytes);
            now += comes ? capacity : -capacity;
        }
        // Only once all that happens at this time has happened.
        const bool last_of_time =
            i + 1 == workload.changes.size() || workload.changes[i + 1].at_s > change.at_s;
        if (last_of_time) most = std::max(most, now);
    }
    return static_cast<std::uint64_t>(std::min(most, kMost));
}

}  // namespace ballast
