#include "sim/workload_scenario.h"

#include <catch2/catch.hpp>

#include "sim/curve.h"

using namespace ballast;
using namespace std::chrono_literals;

namespace {

struct ScenarioFixture {
    Scenario scenario;
    std::vector<std::string> left_out;

    ScenarioFixture() {
        scenario.duration = 100s;
        ScenarioDomain& domain = scenario.domains.emplace_back();
        domain.name = "a";
        domain.memory_bytes = kGiB;
        domain.used.points = {{0s, 100}, {50s, 200}};
    }
    ScenarioEvent& event(Duration at, ScenarioAction action, const std::string& domain) {
        ScenarioEvent& added = scenario.events.emplace_back();
        added.at = at;
        added.action = action;
        added.domain = domain;
        return added;
    }
    Workload read() {
        auto workload = workload_of(scenario, "s.yaml", 10, left_out);
        REQUIRE(workload);
        return std::move(*workload);
    }
};

}  // namespace

TEST_CASE_METHOD(ScenarioFixture, "a scenario's domains, pool and curves become a workload") {
    scenario.pool = {5 * kGiB, kMiB};
    scenario.domains[0].weight = 64;
    scenario.domains[0].deflate_on_oom = false;
    scenario.domains[0].speed_bytes_per_s = 7;
    const Workload workload = read();
    CHECK(workload.name == "s.yaml");
    CHECK(workload.length_s == 100);
    CHECK(workload.host_bytes == 5 * kGiB);
    CHECK(workload.reserve_bytes == kMiB);
    REQUIRE(workload.vms.size() == 1);
    CHECK(workload.vms[0].capacity_bytes == kGiB);
    CHECK(workload.vms[0].shares == 500);
    CHECK_FALSE(workload.vms[0].deflate_on_oom);
    CHECK(workload.vms[0].balloon_bytes_per_s == 7);
    CHECK(workload.vms[0].loan_series == kNoSeries);
    REQUIRE(workload.series[0].points.size() == 2);
    CHECK(workload.series[0].points[1].at_s == 50);
    CHECK(workload.series[0].points[1].bytes == 200);
    CHECK(left_out.empty());
}

TEST_CASE_METHOD(ScenarioFixture, "domains of one entry share a curve unless it jitters") {
    scenario.domains[0].count = 3;
    CHECK(read().series.size() == 1);
    scenario.domains[0].used.points = {{0s, 1'000'000}};
    scenario.domains[0].used.jitter_percent = 10;
    const Workload workload = read();
    REQUIRE(workload.series.size() == 3);
    REQUIRE(workload.series[2].points.size() == 11);
    CHECK(workload.vms[2].name == "a3");
    const auto& points = workload.series[workload.vms[2].series].points;
    CHECK(points[4].at_s == 40);
    // As the simulated hypervisors have it.
    CHECK(points[4].bytes == static_cast<double>(curve_value(scenario.domains[0].used, 40s,
                                                             mix(scenario.seed ^ mix(3)))));
}

TEST_CASE_METHOD(ScenarioFixture, "curves that repeat are read as often as told") {
    scenario.domains[0].used.period = 50s;
    const Workload workload = read();
    REQUIRE(workload.series[0].points.size() == 11);
    CHECK(workload.series[0].points[7].bytes == 140);
}

TEST_CASE_METHOD(ScenarioFixture, "events give programs other needs from their time on") {
    scenario.domains[0].count = 2;
    event(25s, ScenarioAction::used, "a2").bytes = 900;
    const Workload workload = read();
    const auto& first = workload.series[workload.vms[0].series].points;
    const auto& second = workload.series[workload.vms[1].series].points;
    CHECK(first.back().bytes == 200);
    REQUIRE(second.size() == 3);
    CHECK(second[1].at_s == 25);
    CHECK(second[1].bytes == 150);
    CHECK(second[2].at_s == 25);
    CHECK(second[2].bytes == 900);
}

TEST_CASE_METHOD(ScenarioFixture, "events make domains come and go, drivers and figures fail") {
    event(10s, ScenarioAction::domain_stop, "a");
    event(20s, ScenarioAction::domain_stop, "a");
    event(30s, ScenarioAction::domain_start, "*");
    event(40s, ScenarioAction::driver_gone, "a").lasts = 5s;
    event(50s, ScenarioAction::stats_stale, "a");
    event(500s, ScenarioAction::domain_stop, "a");
    const auto changes = read().changes;
    REQUIRE(changes.size() == 6);
    CHECK(changes[0].kind == WorkloadChangeKind::comes);
    CHECK(changes[1].at_s == 10);
    CHECK(changes[1].kind == WorkloadChangeKind::goes);
    CHECK(changes[2].at_s == 30);
    CHECK(changes[2].kind == WorkloadChangeKind::comes);
    CHECK(changes[3].balloon == BalloonMode::stuck);
    CHECK(changes[4].at_s == 45);
    CHECK(changes[4].balloon == BalloonMode::ideal);
    CHECK(changes[5].kind == WorkloadChangeKind::statistics);
    CHECK(changes[5].statistics == StatsMode::frozen);
    CHECK(left_out.empty());
}

TEST_CASE_METHOD(ScenarioFixture, "what a workload cannot say is named, once") {
    event(10s, ScenarioAction::pause, "a").lasts = 1s;
    event(20s, ScenarioAction::oom, "a");
    scenario.faults.emplace_back();
    CHECK(read().changes.size() == 1);
    CHECK(left_out.size() == 2);
}

TEST_CASE_METHOD(ScenarioFixture, "a curve of loans is kept beside that of demand") {
    scenario.domains[0].loan = Curve{{{0s, 77}}, {}, 0};
    const Workload workload = read();
    CHECK(workload.series[workload.vms[0].loan_series].points[0].bytes == 77);
    CHECK(workload.series[workload.vms[0].series].points[0].bytes == 100);
}

TEST_CASE_METHOD(ScenarioFixture, "a scenario too large for memory is refused") {
    scenario.domains[0].count = 1'000'000;
    scenario.domains[0].used.jitter_percent = 1;
    const auto workload = workload_of(scenario, "s.yaml", 0.1, left_out);
    REQUIRE_FALSE(workload);
    CHECK(workload.error().context.find("fewer domains") != std::string::npos);
}

TEST_CASE_METHOD(ScenarioFixture,
                 "drivers may be slow or intermittent, and figures lies, for a time") {
    event(10s, ScenarioAction::driver_slow, "a").lasts = 5s;
    event(20s, ScenarioAction::driver_intermittent, "a");
    event(30s, ScenarioAction::stats_lying, "a").lasts = 5s;
    const auto changes = read().changes;
    REQUIRE(changes.size() == 6);
    CHECK(changes[1].balloon == BalloonMode::slow);
    CHECK(changes[2].at_s == 15);
    CHECK(changes[2].balloon == BalloonMode::ideal);
    CHECK(changes[3].balloon == BalloonMode::intermittent);
    CHECK(changes[4].statistics == StatsMode::lying);
    CHECK(changes[5].at_s == 35);
    CHECK(changes[5].statistics == StatsMode::truthful);
    CHECK(left_out.empty());
}

TEST_CASE_METHOD(
    ScenarioFixture,
    "memory is reserved for a domain or for nobody, and given up when its time is over") {
    event(10s, ScenarioAction::reserve, "a").bytes = 77;
    ScenarioEvent& nobody = event(20s, ScenarioAction::reserve, "");
    nobody.bytes = 88;
    nobody.lasts = 5s;
    const auto changes = read().changes;
    REQUIRE(changes.size() == 4);
    CHECK(changes[1].kind == WorkloadChangeKind::reserves);
    CHECK(changes[1].vm == 0);
    CHECK(changes[1].reserved_bytes == 77);
    CHECK(changes[2].vm == kNobody);
    CHECK(changes[2].reserved_bytes == 88);
    CHECK(changes[3].at_s == 25);
    CHECK(changes[3].vm == kNobody);
    CHECK(changes[3].reserved_bytes == 0);
}
