// What the machines of a workload need at each tick.
#pragma once

#include <span>
#include <vector>

#include "sim/amounts.h"
#include "sim/workload.h"

namespace ballast {

// Demand = floor_share of the capacity + k times what is used, at most the capacity.
struct DemandScale {
    double floor_share = 0;  // 0..1
    double k = 1;            // >= 0
};

// One thread.
class DemandReader {
  public:
    // Of what the hypervisor wants lent in place of demand; 0 where it wants nothing.
    static DemandReader of_loans(const Workload& workload);
    // `workload` outlives the reader.
    DemandReader(const Workload& workload, DemandScale scale);
    // Writes the demand of every machine, whether it is there or not. `at_s` never goes back.
    void read(double at_s, std::span<Bytes> demand);

  private:
    DemandReader() = default;
    void add(const Workload& workload, const WorkloadVm& vm, std::size_t series);

    struct Cursor {
        const DemandPoint* begin = nullptr;
        const DemandPoint* next = nullptr;  // the first after `at_s`
        const DemandPoint* end = nullptr;
        bool steps = false;
        // demand = base + slope * at_s until `until_s`, before it is kept within the capacity.
        double base = 0;
        double slope = 0;
        double until_s = 0;
        double capacity = 0;
    };
    void advance(Cursor& cursor, double at_s) const;

    DemandScale scale_;
    std::vector<Cursor> cursors_;
};

}  // namespace ballast
