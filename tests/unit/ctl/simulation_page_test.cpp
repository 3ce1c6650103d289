#include "ctl/simulation_page.h"

#include <catch2/catch.hpp>

#include "base/units.h"

using namespace ballast;
using namespace ballast::ctl;
using report::Move;
using report::Why;

namespace {

Snapshot snapshot_of(std::vector<std::string> names, std::vector<Decision> decisions) {
    Snapshot snapshot;
    auto rows = std::make_shared<DomainNames>();
    for (const std::string& name : names) rows->key.push_back(key_from_name(name));
    rows->name = std::move(names);
    snapshot.names = std::move(rows);
    snapshot.decisions = std::move(decisions);
    snapshot.policy_name = "cmm";
    snapshot.host.total_bytes = 4096 * kMiB;
    snapshot.host.available_bytes = 1024 * kMiB;
    snapshot.delay = std::chrono::seconds(1);
    snapshot.backend_up = true;
    return snapshot;
}

Decision lends(std::uint64_t before, std::uint64_t decided, std::uint64_t after,
               std::uint64_t credit = 0) {
    Decision decision;
    decision.total_bytes = 1000 * kMiB;
    decision.loaned_before_bytes = before * kMiB;
    decision.decided_bytes = decided * kMiB;
    decision.loaned_after_bytes = after * kMiB;
    decision.oom_freed_bytes = credit * kMiB;
    decision.usable_bytes = 300 * kMiB;
    return decision;
}

}  // namespace

TEST_CASE("a controller's decisions are told once each, in its own words") {
    SimulationPage page(std::chrono::seconds(10), 64 * kMiB);
    page.add(snapshot_of({"a"}, {lends(0, 200, 50)}), std::chrono::seconds(1));
    // The balloon is on its way to what was decided.
    page.add(snapshot_of({"a"}, {lends(50, 200, 100)}), std::chrono::seconds(2));
    page.add(snapshot_of({"a"}, {lends(100, 100, 100, 30)}), std::chrono::seconds(3));
    const report::Page made = page.take("s.yaml", {});
    REQUIRE(made.inputs.size() == 1);
    const report::PageInput& input = made.inputs[0];
    CHECK(input.name == "s.yaml");
    CHECK(input.domains[0].name == "a");
    CHECK(input.domains[0].capacity_bytes == 1000 * kMiB);
    CHECK(input.tick_s == 1);
    REQUIRE(input.runs.size() == 1);
    CHECK_FALSE(input.runs[0].stall_percent);
    CHECK(input.runs[0].reserve_bytes == 64 * kMiB);
    const report::RunHistory& history = *input.runs[0].history;
    REQUIRE(history.moves.size() == 2);
    CHECK(history.moves[0].reason.why == Why::told);
    CHECK(history.moves[0].to_bytes == 200 * kMiB);
    CHECK(history.moves[0].reason.text.find("Policy cmm asks") == 0);
    CHECK(history.moves[1].reason.why == Why::took_back);
    CHECK(history.moves[1].reason.figures[0] == 30 * kMiB);
    // Of 1000 MiB none was lent and 300 were available when the guest told it.
    CHECK(history.domains[0].demand.most.at(history.domains[0].demand.most.size() / 10) ==
          700 * kMiB);
    CHECK(history.host.available.most.back() == report::kAbsent);
}

TEST_CASE("domains that come, go and come back are the same on the page") {
    SimulationPage page(std::chrono::seconds(10), 0);
    page.add(snapshot_of({"a", "b"}, {lends(0, 0, 0), lends(5, 5, 5)}), std::chrono::seconds(1));
    page.add(snapshot_of({"a"}, {lends(0, 0, 0)}), std::chrono::seconds(2));
    page.add(snapshot_of({"b", "c"}, {lends(0, 0, 0), lends(0, 0, 0)}), std::chrono::seconds(3));
    const report::Page made = page.take("s.yaml", {});
    REQUIRE(made.inputs[0].domains.size() == 3);
    const std::vector<Move>& moves = made.inputs[0].runs[0].history->moves;
    REQUIRE(moves.size() == 4);
    CHECK(moves[0].domain == 1);
    CHECK(moves[0].reason.why == Why::went);
    CHECK(moves[0].from_bytes == 5 * kMiB);
    CHECK(moves[1].domain == 0);
    CHECK(moves[1].reason.why == Why::went);
    CHECK(moves[2].domain == 1);
    CHECK(moves[2].reason.why == Why::came);
    CHECK(moves[3].domain == 2);
    CHECK(moves[3].reason.why == Why::came);
}

TEST_CASE("figures that nobody told are not drawn") {
    SimulationPage page(std::chrono::seconds(10), 0);
    Snapshot snapshot = snapshot_of({"a"}, {lends(0, 0, 0)});
    snapshot.host = {};
    snapshot.decisions[0].usable_bytes = kUnknownBytes;
    page.add(snapshot, std::chrono::seconds(0));
    const report::PageRun run = page.take("s.yaml", {}).inputs[0].runs[0];
    CHECK(run.host_bytes == 0);
    CHECK(run.history->host.available.most[0] == report::kAbsent);
    CHECK(run.history->host.demand.most[0] == report::kAbsent);
    CHECK(run.history->domains[0].demand.most[0] == report::kAbsent);
    CHECK(run.history->domains[0].kept.most[0] == 1000 * kMiB);
}
