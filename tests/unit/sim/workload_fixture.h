// Workloads made by hand.
#pragma once

#include "base/units.h"
#include "model/domain.h"
#include "sim/curve.h"
#include "sim/workload.h"

namespace ballast::test {

// `machines` of `capacity_bytes` each, there all the time, that use nothing yet.
inline Workload machines(std::size_t count, std::uint64_t capacity_bytes, double length_s) {
    Workload workload;
    workload.name = "made";
    workload.length_s = length_s;
    for (std::size_t i = 0; i < count; ++i) {
        WorkloadVm vm;
        vm.name = "vm" + std::to_string(i + 1);
        vm.capacity_bytes = capacity_bytes;
        vm.min_mem_bytes = kUnknownBytes;
        vm.series = i;
        workload.vms.push_back(vm);
        workload.series.push_back({{{0, 0}}, false});
        workload.changes.push_back({0, i, WorkloadChangeKind::comes});
    }
    return workload;
}

// Every machine uses something else each `every_s`, `least_bytes` to its capacity.
inline Workload restless(std::size_t count, std::uint64_t capacity_bytes, double length_s,
                         double every_s, std::uint64_t least_bytes, std::uint64_t seed) {
    Workload workload = machines(count, capacity_bytes, length_s);
    for (std::size_t vm = 0; vm < count; ++vm) {
        auto& points = workload.series[vm].points;
        points.clear();
        for (double at_s = 0; at_s <= length_s; at_s += every_s) {
            const std::uint64_t random = mix(seed ^ mix(points.size() + 1000 * vm));
            points.push_back({at_s, static_cast<double>(least_bytes + random % (capacity_bytes -
                                                                                least_bytes + 1))});
        }
    }
    return workload;
}

}  // namespace ballast::test
