// `simulate` on backend workload: the guests and the host that comparisons run on.
#include <catch2/catch.hpp>
#include <fstream>
#include <variant>

#include "compare/grid.h"
#include "config/config.h"
#include "controller/simulate.h"
#include "sim/workload_scenario.h"
#include "tests/unit/http/temp_dir.h"

using namespace ballast;
using namespace ballast::test;

namespace {

Settings settings_of(const std::string& scenario, const std::string& name = "made.yaml") {
    ConfigResult loaded = parse_config(
        "mode: simulate\ncmm: {delay: 10s}\nbackend: {name: workload}\n"
        "policy: {name: ballast}\nhost: {reserve: 512MiB}\nscenario:\n" +
            scenario,
        name);
    if (const auto* problems = std::get_if<ConfigProblems>(&loaded)) FAIL(problems->text());
    return std::get<Settings>(std::move(loaded));
}

const char* const kDesk =
    "  description: \"Two guests of which one grows.\"\n  duration: 1h\n  pool: {memory: 6GiB}\n"
    "  domains:\n    - {name: a, count: 3, memory: 4GiB, speed: 512MiB, used: 800MiB}\n"
    "    - {name: b, memory: 4GiB, speed: 512MiB, page: 4KiB,\n"
    "       used: {points: [[0s, 500MiB], [30m, 2GiB]]}}\n";

}  // namespace

TEST_CASE("simulate and a comparison through the controller lend the same") {
    const Settings settings = settings_of(kDesk);
    const auto simulated = simulate(settings, {});
    REQUIRE(simulated);
    CHECK(simulated->backend == "workload");
    CHECK(simulated->domains.size() == 4);

    std::vector<std::string> left_out;
    auto workload = workload_of(*settings.scenario, "made", 10, left_out);
    REQUIRE(workload);
    workload->reserve_bytes = settings.host.reserve_bytes;
    for (WorkloadVm& vm : workload->vms) vm.min_mem_bytes = settings.cmm.min_mem_mb * kMiB;
    compare::Grid grid;
    grid.contestants = {{"ballast", default_choice(PolicyKind::ballast)}};
    grid.demand = {DemandScale{}};
    grid.controller = settings;
    std::vector<Bytes> loaned(4);
    grid.on_tick_of = [&loaned](std::size_t) -> compare::OnTick {
        return [&loaned](const compare::RunTick& tick) {
            for (std::size_t vm = 0; vm < loaned.size(); ++vm)
                loaned[vm] = tick.host.guest(vm).loaned();
        };
    };
    const auto compared = compare::run_grid(*workload, grid, {}, 1, {});
    REQUIRE(compared);
    std::uint64_t lent = 0;
    for (std::size_t vm = 0; vm < loaned.size(); ++vm) {
        // The daemon's first tick is one delay after its start.
        CHECK(static_cast<double>(simulated->domains[vm].loaned_bytes) ==
              Approx(static_cast<double>(loaned[vm])).epsilon(0.02));
        lent += simulated->domains[vm].loaned_bytes;
    }
    CHECK(lent > 8 * kGiB);
}

TEST_CASE("simulate runs a trace of any length") {
    TempDir folder;
    {
        std::ofstream trace(folder.path("long.csv"));
        trace << "vm,t_s,capacity_kib,used_kib\n";
        for (int vm = 0; vm < 4; ++vm)
            for (int i = 0; i < 40000; ++i)
                trace << "vm" << vm << ',' << i * 10 << ",8388608,"
                      << 1048576 + (i * 7919 + vm * 104729) % 524288 << '\n';
    }
    {
        std::ofstream config(folder.path("trace.yaml"));
        config << "mode: simulate\ncmm: {delay: 10s}\nbackend: {name: workload}\n"
                  "policy: {name: ballast}\nscenario:\n  description: \"A trace.\"\n"
                  "  duration: 2h\n  pool: {memory: 16GiB}\n"
                  "  trace: {file: long.csv, floor_percent: 5, k: 1}\n";
    }
    ConfigResult loaded = load_config(folder.path("trace.yaml"));
    if (const auto* problems = std::get_if<ConfigProblems>(&loaded)) FAIL(problems->text());
    const auto report = simulate(std::get<Settings>(std::move(loaded)), {});
    if (!report) FAIL(report.error().message());
    REQUIRE(report->domains.size() == 4);
    CHECK(report->ticks == 720);
    CHECK(report->host_total_bytes == 16 * kGiB);
    CHECK(report->domains[0].total_bytes == 8 * kGiB);
    CHECK(report->domains[0].most_loaned_bytes > kGiB);
}

TEST_CASE("a trace that is missing or stands beside domains is refused") {
    const Settings settings =
        settings_of("  description: \"A trace.\"\n  trace: {file: /no/such.csv}\n");
    const auto report = simulate(settings, {});
    REQUIRE_FALSE(report);
    CHECK(report.error().message().find("/no/such.csv") != std::string::npos);
    const auto refused = [](const std::string& backend, const std::string& scenario) {
        const ConfigResult loaded = parse_config(
            "mode: simulate\nbackend: {name: " + backend + "}\npolicy: {name: ballast}\n" +
                "scenario:\n  description: \"A trace.\"\n" + scenario,
            "made.yaml");
        const auto* problems = std::get_if<ConfigProblems>(&loaded);
        return problems == nullptr ? "" : problems->text();
    };
    CHECK(refused("mock", "  trace: {file: a.csv}\n")
              .find("scenario.trace is for backend workload") != std::string::npos);
    CHECK(refused("workload", "  trace: {file: a.csv}\n  domains: [{name: a}]\n")
              .find("expected one of them") != std::string::npos);
    CHECK(refused("workload", "  trace: {}\n").find("file") != std::string::npos);
}
