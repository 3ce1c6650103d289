#include "sim/recorder.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "base/units.h"

using namespace ballast;
using namespace std::chrono_literals;

namespace {

Decision lending(std::uint64_t loaned_bytes, std::uint64_t inflated = 0) {
    Decision decision;
    decision.total_bytes = kGiB;
    decision.request_bytes = -5;
    decision.loan_target_bytes = 2 * loaned_bytes;
    decision.loaned_after_bytes = loaned_bytes;
    decision.oom_freed_bytes = 3;
    decision.inflated_total_bytes = inflated;
    decision.deflated_total_bytes = inflated / 2;
    decision.constraint = Constraint::min_mem;
    return decision;
}

Snapshot snapshot_of(const std::vector<std::string>& names, std::vector<Decision> decisions) {
    Snapshot snapshot;
    auto rows = std::make_shared<DomainNames>();
    for (const std::string& name : names) {
        rows->name.push_back(name);
        rows->key.push_back(key_from_name(name));
    }
    snapshot.names = std::move(rows);
    snapshot.decisions = std::move(decisions);
    snapshot.backend_name = "mock";
    snapshot.policy_name = "cmm";
    return snapshot;
}

Event event(EventKind kind, std::string_view domain, std::uint64_t bytes = 0) {
    Event made;
    made.kind = kind;
    made.domain = key_from_name(domain);
    made.bytes = bytes;
    return made;
}

}  // namespace

TEST_CASE("the CSV has one line per domain and tick") {
    std::ostringstream csv;
    Recorder recorder(1min, &csv);
    recorder.add(snapshot_of({"a", "b"}, {lending(64), lending(0)}), 1500ms);
    recorder.add(snapshot_of({"b"}, {lending(7)}), 24h * 400);
    CHECK(csv.str() ==
          "time_s,domain,total_bytes,request_bytes,loan_target_bytes,loaned_bytes,oom_freed_bytes,"
          "constraint\n"
          "1.500,a,1073741824,-5,128,64,3,min_mem\n"
          "1.500,b,1073741824,-5,0,0,3,min_mem\n"
          "34560000.000,b,1073741824,-5,14,7,3,min_mem\n");
}

TEST_CASE("a run of nothing has a CSV of its header and a report of nothing") {
    std::ostringstream csv;
    const Recorder recorder(0s, &csv);
    CHECK(csv.str().find('\n') == csv.str().size() - 1);
    CHECK(recorder.report().domains.empty());
}

TEST_CASE("the report has the last figures, the largest loan, and the host's first and last") {
    Recorder recorder(1min, nullptr);
    Snapshot first = snapshot_of({"a"}, {lending(64)});
    first.host.total_bytes = 4 * kGiB;
    first.host.available_bytes = kGiB;
    Snapshot second = first;
    second.decisions[0] = lending(32);
    second.host.total_bytes = 4 * kGiB;
    second.host.available_bytes = 2 * kGiB;
    second.tick.number = 2;
    second.tick.events = 5;
    second.tick.observe_failures = 1;
    recorder.add(first, 1s);
    recorder.add(second, 2s);
    const SimulationReport report = recorder.report();
    REQUIRE(report.domains.size() == 1);
    CHECK(report.domains[0].loaned_bytes == 32);
    CHECK(report.domains[0].loan_target_bytes == 64);
    CHECK(report.domains[0].oom_freed_bytes == 3);
    CHECK(report.domains[0].most_loaned_bytes == 64);
    CHECK(report.domains[0].constraint == Constraint::min_mem);
    CHECK(report.domains[0].ticks_by_constraint[static_cast<std::size_t>(Constraint::min_mem)] ==
          2);
    CHECK(report.host_available_start_bytes == kGiB);
    CHECK(report.host_available_bytes == 2 * kGiB);
    CHECK(report.ticks == 2);
    CHECK(report.events == 5);
    CHECK(report.observe_failures == 1);
    CHECK(report.backend == "mock");
    CHECK(report.policy == "cmm");
}

TEST_CASE("a bucket keeps the largest loan of its time, and is unknown before the domain came") {
    Recorder recorder(1min, nullptr);
    recorder.add(snapshot_of({"a"}, {lending(10)}), 5s);
    recorder.add(snapshot_of({"a"}, {lending(30)}), 5500ms);
    recorder.add(snapshot_of({"a"}, {lending(20)}), 5999ms);
    recorder.add(snapshot_of({"a"}, {lending(40)}), 6s);
    recorder.add(snapshot_of({"a"}, {lending(50)}), 60s);  // the end itself
    recorder.add(snapshot_of({"a"}, {lending(45)}), 2h);   // and what is past it
    const auto series = recorder.report().domains[0].loaned_series;
    CHECK(series[4] == kUnknownBytes);
    CHECK(series[5] == 30);
    CHECK(series[6] == 40);
    CHECK(series[7] == kUnknownBytes);
    CHECK(series[kReportBuckets - 1] == 50);
}

TEST_CASE("a run of a century has its buckets too") {
    const Duration century = 24h * 36525;
    Recorder recorder(century, nullptr);
    recorder.add(snapshot_of({"a"}, {lending(1)}), century / 2);
    CHECK(recorder.report().domains[0].loaned_series[kReportBuckets / 2] == 1);
}

TEST_CASE("a domain that goes lends nothing, and what its lives moved adds up") {
    Recorder recorder(1min, nullptr);
    recorder.add(snapshot_of({"a", "b"}, {lending(64, 100), lending(1)}), 1s);
    recorder.add(snapshot_of({"b"}, {lending(1)}), 2s);
    const DomainReport gone = recorder.report().domains[0];
    CHECK_FALSE(gone.present);
    CHECK(gone.loaned_bytes == 0);
    CHECK(gone.loan_target_bytes == 0);
    CHECK(gone.oom_freed_bytes == 0);
    CHECK(gone.constraint == Constraint::none);
    CHECK(gone.total_bytes == kGiB);
    CHECK(gone.inflated_bytes == 100);

    recorder.add(snapshot_of({"b", "a"}, {lending(1), lending(32, 120)}), 3s);
    recorder.add(snapshot_of({"b", "a"}, {lending(1), lending(32, 140)}), 4s);
    const SimulationReport report = recorder.report();
    REQUIRE(report.domains.size() == 2);
    CHECK(report.domains[0].name == "a");  // in the order in which they came first
    CHECK(report.domains[0].present);
    CHECK(report.domains[0].loaned_bytes == 32);
    CHECK(report.domains[0].inflated_bytes == 240);
    CHECK(report.domains[0].deflated_bytes == 120);
    CHECK(report.domains[1].inflated_bytes == 0);
}

TEST_CASE("events are counted by domain and kind, also those before the first tick") {
    Recorder recorder(1min, nullptr);
    recorder.add(event(EventKind::oom, "a", 5));
    recorder.add(event(EventKind::backend_lost, "nobody"));
    recorder.add(snapshot_of({"a", "b"}, {lending(1), lending(1)}), 1s);
    recorder.add(event(EventKind::oom, "a", 6));
    recorder.add(event(EventKind::hotplug_began, "b", kGiB));
    const SimulationReport report = recorder.report();
    CHECK(report.domains[0].events_by_kind[static_cast<std::size_t>(EventKind::oom)] == 2);
    CHECK(report.domains[0].oom_bytes == 11);
    CHECK(report.domains[1].events_by_kind[static_cast<std::size_t>(EventKind::oom)] == 0);
    CHECK(report.domains[1].events_by_kind[static_cast<std::size_t>(EventKind::hotplug_began)] ==
          1);
    CHECK(report.domains[1].oom_bytes == 0);
}

TEST_CASE("moves that came short are counted by how, others are not") {
    Recorder recorder(1min, nullptr);
    for (const StepStatus status :
         {StepStatus::done, StepStatus::accepted, StepStatus::refused, StepStatus::refused,
          StepStatus::partial, StepStatus::failed, StepStatus::gone}) {
        Decision decision = lending(1);
        decision.outcome = status;
        recorder.add(snapshot_of({"a"}, {decision}), 1s);
    }
    const auto moves = recorder.report().domains[0].short_moves;
    CHECK(moves == std::array<std::uint64_t, kStepStatusCount>{0, 0, 1, 2, 1, 1});
}
