// Comparisons through the daemon's controller, held against those of the policy alone.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "compare/grid.h"
#include "compare/report.h"
#include "policy/policy.h"
#include "tests/unit/sim/workload_fixture.h"

using namespace ballast;
using namespace ballast::compare;
using namespace ballast::test;

namespace {

Contestant contestant(PolicyKind kind) {
    return {std::string(entry_of(kind).name), default_choice(kind)};
}

// The same run with the policy alone, and through a controller.
struct Both {
    RunResult alone;
    RunResult through;
};

Both both(const Workload& workload, const Contestant& who, double ratio,
          const Constants& constants = {}, const Settings& settings = {}) {
    Grid grid;
    grid.contestants = {who};
    grid.overcommit = {ratio};
    grid.demand = {DemandScale{}};
    auto alone = run_grid(workload, grid, constants, 1, {});
    grid.controller = settings;
    auto through = run_grid(workload, grid, constants, 1, {});
    REQUIRE(alone);
    REQUIRE(through);
    return {alone->front(), through->front()};
}

std::uint64_t sum(const ControllerTicks& ticks) {
    return ticks.credit + ticks.pressure + ticks.needs + ticks.stuck + ticks.held +
           ticks.step_limit + ticks.host_full + ticks.other;
}

// All that a report tells of a run but the controller's counts.
std::string figures(RunResult result) {
    result.controller.reset();
    return comparison_json({{"made", {result}}});
}

// Guests whose needs change slowly and which always have something to spare.
Workload gentle(std::size_t count) {
    Workload workload = machines(count, 8 * kGiB, 6 * 3600);
    for (std::size_t vm = 0; vm < count; ++vm) {
        auto& points = workload.series[vm].points;
        points.clear();
        for (std::size_t i = 0; i <= 12; ++i)
            points.push_back({static_cast<double>(i) * 1800,
                              static_cast<double>(kGiB + mix(mix(vm) + i) % kGiB)});
        workload.vms[vm].balloon_bytes_per_s = kGiB;
    }
    return workload;
}

// One guest that needs all it has at once, now and then.
Workload bursting() {
    Workload workload = machines(4, 4 * kGiB, 3600);
    for (std::size_t vm = 0; vm < 4; ++vm) {
        auto& points = workload.series[vm].points;
        points.clear();
        workload.series[vm].steps = true;
        points.push_back({0, static_cast<double>(kGiB)});
        for (double at_s = 600 + 150 * static_cast<double>(vm); at_s < 3600; at_s += 900) {
            points.push_back({at_s, static_cast<double>(4 * kGiB - 64 * kMiB)});
            points.push_back({at_s + 60, static_cast<double>(kGiB)});
        }
        workload.vms[vm].balloon_bytes_per_s = kGiB;
    }
    return workload;
}

}  // namespace

TEST_CASE("through the controller a run is the same, to the byte, where nothing is in its way") {
    Constants constants;
    constants.samples = 100;
    std::size_t equal = 0;
    std::size_t lent = 0;
    for (const PolicyEntry& entry : policy_catalogue()) {
        if (!make_policy(default_choice(entry.kind))) continue;
        for (const double ratio : {1.0, 1.5, 2.0}) {
            const Both runs = both(gentle(6), contestant(entry.kind), ratio, constants);
            INFO(entry.name << " at " << ratio);
            REQUIRE(runs.through.controller);
            if (sum(*runs.through.controller) > 0) continue;
            ++equal;
            if (runs.through.totals.lent_byte_s > 0) ++lent;
            CHECK(figures(runs.alone) == figures(runs.through));
        }
    }
    // Most policies, and most of those lend.
    CHECK(equal >= 20);
    CHECK(lent >= 10);
}

TEST_CASE("with statistics that arrive late as well") {
    Constants constants;
    constants.samples = 100;
    constants.stats_late_s = 2;
    const Both runs = both(gentle(6), contestant(PolicyKind::ballast), 2, constants);
    REQUIRE(sum(*runs.through.controller) == 0);
    CHECK(runs.through.totals.lent_byte_s > 0);
    CHECK(figures(runs.alone) == figures(runs.through));
    Constants present = constants;
    present.stats_late_s = 0;
    CHECK(figures(both(gentle(6), contestant(PolicyKind::ballast), 2, present).through) !=
          figures(runs.through));
}

TEST_CASE("guests that run out of memory are credited and counted") {
    const Both runs = both(bursting(), contestant(PolicyKind::ballast), 2.5);
    CHECK(runs.alone.totals.guest_ooms > 0);
    CHECK(runs.through.totals.guest_ooms > 0);
    const ControllerTicks& ticks = *runs.through.controller;
    CHECK(ticks.credit > 0);
    CHECK(ticks.credit <= runs.through.domain_ticks);
    CHECK(ticks.step_limit == 0);
}

TEST_CASE("a guest that runs short has everything back under the controller, and is counted") {
    // Policy esx leaves guests with little; half the host is missing.
    const Both runs = both(restless(6, 4 * kGiB, 7200, 300, 300 * kMiB, 11),
                           contestant(PolicyKind::qmemman), 1.5);
    CHECK(runs.through.controller->pressure > 0);
    CHECK(figures(runs.alone) != figures(runs.through));
}

TEST_CASE("a stuck balloon is noticed by the controller alone, and counted") {
    Workload workload = gentle(4);
    WorkloadChange& stuck = workload.changes.emplace_back();
    stuck.at_s = 60;
    stuck.vm = 1;
    stuck.kind = WorkloadChangeKind::balloon;
    stuck.balloon = BalloonMode::stuck;
    const Both runs = both(workload, contestant(PolicyKind::ballast), 3);
    const ControllerTicks& ticks = *runs.through.controller;
    CHECK(ticks.stuck + ticks.held > 0);
}

TEST_CASE("the step that a scenario allows in a tick bounds moves, and is counted") {
    Settings settings;
    settings.cmm.max_step_bytes = 16 * kMiB;
    const Both runs = both(gentle(4), contestant(PolicyKind::ballast), 2.5, {}, settings);
    CHECK(runs.through.controller->step_limit > 0);
    CHECK(runs.through.totals.lent_byte_s < runs.alone.totals.lent_byte_s);
}

TEST_CASE("settings of a domain count for it alone, whatever signs are in its name") {
    Workload workload = gentle(3);
    workload.vms[0].name = "a[1]*";
    workload.vms[1].name = "a1b";
    Settings settings;
    DomainOverride& off = settings.domains.emplace_back();
    off.pattern = "a\\[1\\]\\*";
    off.disable = true;
    const Both runs = both(workload, contestant(PolicyKind::ballast), 2.5, {}, settings);
    CHECK(runs.through.controller->held >= runs.through.domain_ticks / 3);
}

TEST_CASE("what a workload reserves is reserved under the controller too") {
    Workload workload = gentle(4);
    WorkloadChange& claim = workload.changes.emplace_back();
    claim.at_s = 600;
    claim.vm = kNobody;
    claim.kind = WorkloadChangeKind::reserves;
    claim.reserved_bytes = 10 * kGiB;
    WorkloadChange& end = workload.changes.emplace_back(claim);
    end.at_s = 7200;
    end.reserved_bytes = 0;
    Constants constants;
    constants.samples = 100;
    const Both runs = both(workload, contestant(PolicyKind::ballast), 1.5, constants);
    REQUIRE(sum(*runs.through.controller) == 0);
    CHECK(figures(runs.alone) == figures(runs.through));
    Workload without = gentle(4);
    CHECK(figures(both(without, contestant(PolicyKind::ballast), 1.5, constants).through) !=
          figures(runs.through));
}

TEST_CASE("a guest that the host kills starts over without a credit") {
    Workload workload = machines(3, 4 * kGiB, 1800);
    for (std::size_t vm = 0; vm < 3; ++vm)
        workload.series[vm].points = {{0, static_cast<double>(kGiB)},
                                      {600, static_cast<double>(kGiB)},
                                      {700, static_cast<double>(4 * kGiB - 200 * kMiB)}};
    Constants constants;
    constants.host_swap_share = 0;
    const Both runs = both(workload, contestant(PolicyKind::ballast), 2, constants);
    CHECK(runs.through.totals.host_ooms > 0);
    CHECK(runs.through.controller->held > 0);
}

TEST_CASE("the clairvoyant decides alone in both modes") {
    const Both runs = both(gentle(3), {kClairvoyant, {}}, 2);
    CHECK(!runs.through.controller);
    CHECK(figures(runs.alone) == figures(runs.through));
}

TEST_CASE("a report in JSON tells how often the controller may have done otherwise") {
    const Both runs = both(bursting(), contestant(PolicyKind::ballast), 2.5);
    const auto json = nlohmann::json::parse(comparison_json({{"made", {runs.through}}}));
    const auto& counts = json.at("results").at(0).at("controller");
    CHECK(counts.at("domain_ticks") == runs.through.domain_ticks);
    CHECK(counts.at("credit") == runs.through.controller->credit);
    for (const char* name :
         {"pressure", "needs", "stuck", "held", "step_limit", "host_full", "other"})
        CHECK(counts.contains(name));
    const auto alone = nlohmann::json::parse(comparison_json({{"made", {runs.alone}}}));
    CHECK(!alone.at("results").at(0).contains("controller"));
}
