// What readers pay, by scheme, beside the empty loop and beside fewer readers; and what the
// daemon's ticks pay for the probe that runs in the background.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <thread>

#include "bench/mock_host.h"
#include "bench/side_by_side.h"
#include "controller/probe_runner.h"
#include "probe/experiment.h"
#include "probe/parameters.h"

namespace ballast::bench {
namespace {

constexpr std::uint32_t loops = 10'000;
constexpr int tries = 20;

std::shared_ptr<probe::ReaderTeam> team_of(unsigned readers) {
    auto cpus = probe::usable_cpus();
    if (!cpus || cpus->size() < readers) return nullptr;
    auto team = probe::ReaderTeam::start({.cpus = {cpus->begin(), cpus->begin() + readers}});
    return team ? std::shared_ptr(std::move(*team)) : nullptr;
}

// One clean experiment's ns for a section; NaN where none of some tries was clean, or the machine
// cannot do it.
std::function<double()> experiment(const char* type, unsigned readers,
                                   std::shared_ptr<probe::ReaderTeam> team) {
    static const SystemClock clock;
    auto made = probe::find_scale_type(type)->make(clock);
    std::shared_ptr<probe::Scheme> scheme = made ? std::move(*made) : nullptr;
    return [scheme, readers, team = std::move(team), cost = probe::clock_cost(clock)] {
        for (int left = tries; scheme && team && left > 0; --left) {
            const auto ended =
                probe::run_experiment(*team, *scheme, readers, {.loops = loops}, clock);
            if (ended.verdict == probe::Verdict::clean)
                return probe::ns_per_section(ended, loops, cost);
        }
        return std::numeric_limits<double>::quiet_NaN();
    };
}

NamedCase against_empty(const char* type, unsigned readers) {
    const std::string name = fmt::format("refscale.{}.{}t", type, readers);
    return {name, [=] {
                const auto team = team_of(readers);
                return Case{name, "empty", "ns/section", experiment(type, readers, team),
                            experiment("empty", readers, team)};
            }};
}

NamedCase two_against_one(const char* type) {
    const std::string name = fmt::format("refscale.{}.2t", type);
    return {name, [=] {
                const auto team = team_of(2);
                return Case{name, fmt::format("refscale.{}.1t", type), "ns/section",
                            experiment(type, 2, team), experiment(type, 1, team)};
            }};
}

// The 99th percentile of what ticks take that come every 10 ms, with the probe in between or not.
std::function<double()> tick_p99(std::shared_ptr<MockHost> host, bool probed) {
    return [host = std::move(host), probed] {
        constexpr Duration pace = std::chrono::milliseconds(10);
        const SystemClock clock;
        std::atomic<Time> idle_until{Time{}};
        std::unique_ptr<ProbeRunner> runner;
        if (probed) {
            auto started = ProbeRunner::start(
                clock, {.readers = 2, .room = [&] { return idle_until.load() - clock.now(); }});
            if (!started) return std::numeric_limits<double>::quiet_NaN();
            runner = std::move(*started);
        }
        std::array<double, 100> ns{};
        Time due = clock.now();
        for (double& sample : ns) {
            due += pace;
            idle_until = due;
            std::this_thread::sleep_for(due - clock.now());
            idle_until = Time{};
            const Time begun = clock.now();
            host->tick();
            sample = std::chrono::duration<double, std::nano>(clock.now() - begun).count();
        }
        auto* const p99 = ns.begin() + ns.size() * 99 / 100 - 1;
        std::nth_element(ns.begin(), p99, ns.end());
        return *p99;
    };
}

Case probed_ticks() {
    auto host = std::make_shared<MockHost>(1000);
    host->tick();
    return {"probe.tick_p99", "without", "ns/tick", tick_p99(host, true), tick_p99(host, false)};
}

}  // namespace

std::vector<NamedCase> probe_cases() {
    std::vector<NamedCase> cases;
    for (const char* const type : {"rcu-qsbr", "rcu", "srcu", "srcu-fast", "hazptr", "seqlock",
                                   "percpu-ref", "atomic-ref", "snapshot", "refcnt"})
        cases.push_back(against_empty(type, 1));
    for (const char* const type : {"percpu-ref", "refcnt"}) cases.push_back(two_against_one(type));
    cases.push_back({"probe.tick_p99", probed_ticks});
    return cases;
}

}  // namespace ballast::bench
