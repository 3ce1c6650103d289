// Many runs: every policy at every ratio, floor and k.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "compare/run.h"

namespace ballast::compare {

struct Grid {
    std::vector<Contestant> contestants;
    std::vector<double> overcommit;  // empty: the host is as large as the workload says
    std::vector<DemandScale> demand;
    // Through a daemon's controller with these settings; absent: the policies decide alone.
    std::optional<Settings> controller = {};
    // Where set, gives the run of that number, counted as the results, what is called at each of
    // its ticks; called before the runs.
    std::function<OnTick(std::size_t)> on_tick_of = {};
};

std::size_t runs_of(const Grid& grid) noexcept;

// What a controller would log is dropped; nobody else logs meanwhile where one decides.
// In the order demand, contestant, overcommit, whatever order they ran in, on `jobs` threads, this
// one among them. `progress` is called on this one with the share done, 0..1. Errors: the first of
// a run's.
Result<std::vector<RunResult>> run_grid(const Workload& workload, const Grid& grid,
                                        const Constants& constants, unsigned jobs,
                                        const std::function<void(double)>& progress);

}  // namespace ballast::compare
