#include "compare/grid.h"

#include <algorithm>
#include <atomic>
#include <string_view>
#include <thread>

#include "base/log.h"

namespace ballast::compare {
namespace {

struct Job {
    const Contestant* contestant = nullptr;
    Terms terms;
};

std::vector<Job> jobs_of(const Grid& grid) {
    std::vector<Job> jobs;
    const Settings* const controller = grid.controller ? &*grid.controller : nullptr;
    for (const DemandScale& demand : grid.demand) {
        for (const Contestant& contestant : grid.contestants) {
            if (grid.overcommit.empty()) jobs.push_back({&contestant, {{}, demand, controller}});
            for (const double ratio : grid.overcommit)
                jobs.push_back({&contestant, {ratio, demand, controller}});
        }
    }
    return jobs;
}

}  // namespace

std::size_t runs_of(const Grid& grid) noexcept {
    return grid.demand.size() * grid.contestants.size() *
           std::max<std::size_t>(1, grid.overcommit.size());
}

Result<std::vector<RunResult>> run_grid(const Workload& workload, const Grid& grid,
                                        const Constants& constants, unsigned jobs,
                                        const std::function<void(double)>& progress) {
    const std::vector<Job> todo = jobs_of(grid);
    std::vector<Result<RunResult>> done(todo.size());
    std::vector<OnTick> on_tick;
    if (grid.on_tick_of)
        for (std::size_t i = 0; i < todo.size(); ++i) on_tick.push_back(grid.on_tick_of(i));
    std::optional<log::Redirect> quiet;
    if (grid.controller) quiet.emplace([](log::Level, std::string_view) {});
    std::atomic<std::size_t> next{0};
    std::atomic<std::size_t> finished{0};
    const auto work = [&](bool tells) {
        for (;;) {
            const std::size_t i = next.fetch_add(1, std::memory_order_relaxed);
            if (i >= todo.size()) return;
            done[i] = run(workload, *todo[i].contestant, todo[i].terms, constants,
                          on_tick.empty() ? OnTick() : on_tick[i]);
            const std::size_t count = finished.fetch_add(1, std::memory_order_relaxed) + 1;
            if (tells && progress)
                progress(static_cast<double>(count) / static_cast<double>(todo.size()));
        }
    };
    {
        std::vector<std::jthread> others;
        for (unsigned i = 1; i < jobs && i < todo.size(); ++i) others.emplace_back(work, false);
        work(true);
    }
    std::vector<RunResult> results;
    results.reserve(done.size());
    for (Result<RunResult>& one : done) {
        if (!one) return Failure(one.error());
        results.push_back(std::move(*one));
    }
    return results;
}

}  // namespace ballast::compare
