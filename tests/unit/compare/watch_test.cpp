#include <algorithm>
#include <catch2/catch.hpp>

#include "compare/page.h"
#include "compare/run.h"
#include "sim/trace_reader.h"
#include "tests/paths.h"
#include "tests/unit/sim/workload_fixture.h"

using namespace ballast;
using namespace ballast::compare;
using namespace ballast::test;
using report::Move;
using report::Why;

namespace {

constexpr auto kGiBs = static_cast<Bytes>(kGiB);

Contestant policy(PolicyKind kind) {
    return {std::string(entry_of(kind).name), default_choice(kind)};
}

RunResult watched(const Workload& workload, const Contestant& contestant, double ratio,
                  std::size_t moves = 100'000) {
    Constants constants;
    constants.detail = {100, moves, workload.vms.size()};
    auto result = run(workload, contestant, {ratio, {}}, constants);
    REQUIRE(result);
    REQUIRE(result->history);
    return std::move(*result);
}

std::vector<Move> of_kind(const RunResult& result, Why why) {
    std::vector<Move> found;
    for (const Move& move : result.history->moves)
        if (move.reason.why == why) found.push_back(move);
    return found;
}

// One machine that lends `loan_bytes` from the start and needs 6 of its 8 GiB after 100 s.
Workload lender(std::uint64_t loan_bytes) {
    Workload workload = machines(1, 8 * kGiB, 300);
    workload.vms[0].fixed_loan_bytes = loan_bytes;
    workload.series[0] = {{{0, 1e9}, {100, 6.0 * kGiB}}, true};
    return workload;
}

Workload office() {
    auto trace = read_trace(test_data() + "/traces/office.csv");
    REQUIRE(trace);
    return std::move(*trace);
}

}  // namespace

TEST_CASE("looking on changes nothing, and what nobody asked for is not kept") {
    const Workload workload = office();
    const RunResult seen = watched(workload, policy(PolicyKind::mom), 2);
    const auto unseen = run(workload, policy(PolicyKind::mom), {2, {}}, {});
    REQUIRE(unseen);
    CHECK_FALSE(unseen->history);
    CHECK(unseen->totals.moved == seen.totals.moved);
    CHECK(unseen->stall_percent() == seen.stall_percent());
}

TEST_CASE("each decision is told with what the host and the guest had in that step") {
    const RunResult result = watched(office(), policy(PolicyKind::mom), 2.5);
    const std::vector<Move> more = of_kind(result, Why::host_short);
    REQUIRE(!more.empty());
    for (const Move& move : more) {
        CHECK(move.to_bytes > move.from_bytes);
        CHECK(move.reason.figures[0] < move.reason.figures[1]);
        CHECK(move.reason.figures[1] == static_cast<Bytes>(result.reserve_bytes));
    }
    for (const Move& move : of_kind(result, Why::guest_low)) {
        CHECK(move.to_bytes < move.from_bytes);
        CHECK(move.reason.figures[0] * 10 < move.reason.figures[1]);
    }
    for (const Move& move : of_kind(result, Why::host_room))
        CHECK(move.reason.figures[0] > move.reason.figures[1]);
    for (const Move& move : result.history->moves) {
        CHECK(move.from_bytes >= 0);
        CHECK(move.to_bytes >= 0);
        CHECK(move.domain < 8);
        if (report::is_decision(move.reason.why)) CHECK(move.from_bytes != move.to_bytes);
    }
    CHECK(result.history->decisions_left_out == 0);
}

TEST_CASE("a policy that tells its reasons is quoted") {
    const RunResult ours = watched(office(), policy(PolicyKind::ballast), 2);
    std::size_t quoted = 0;
    for (const Move& move : ours.history->moves)
        if (!move.reason.text.empty()) ++quoted;
    CHECK(quoted > 0);
    const RunResult untold = watched(office(), policy(PolicyKind::mom), 2);
    for (const Move& move : untold.history->moves) CHECK(move.reason.text.empty());
}

TEST_CASE("the reasons of an operator, of a hypervisor and of foresight are these") {
    const RunResult fixed = watched(lender(2 * kGiB), policy(PolicyKind::fixed), 1);
    REQUIRE(of_kind(fixed, Why::fixed).size() == 1);
    CHECK(of_kind(fixed, Why::fixed)[0].to_bytes == 2 * kGiBs);
    const RunResult foreseen = watched(lender(0), {kClairvoyant, {}}, 1);
    CHECK(!of_kind(foreseen, Why::foresees).empty());
    Workload asked = machines(1, 8 * kGiB, 300);
    asked.vms[0].loan_series = asked.series.size();
    asked.series.push_back({{{0, 1.0 * kGiB}}, true});
    const RunResult cmm = watched(asked, policy(PolicyKind::cmm), 1);
    REQUIRE(of_kind(cmm, Why::hypervisor).size() == 1);
    CHECK(of_kind(cmm, Why::hypervisor)[0].to_bytes == kGiBs);
}

TEST_CASE("a guest that runs out of memory takes it back, and who asks again decides anew") {
    const RunResult result = watched(lender(4 * kGiB), policy(PolicyKind::fixed), 1);
    const std::vector<Move> back = of_kind(result, Why::took_back);
    REQUIRE(back.size() == result.totals.guest_ooms);
    REQUIRE(!back.empty());
    CHECK(back[0].at_s == 100);
    CHECK(back[0].from_bytes == 4 * kGiBs);
    CHECK(back[0].from_bytes - back[0].to_bytes == back[0].reason.figures[0]);
    CHECK(of_kind(result, Why::fixed).size() > back.size());
    std::uint32_t ooms = 0;
    for (const std::uint32_t one : result.history->domains[0].ooms) ooms += one;
    CHECK(ooms == result.totals.guest_ooms);
}

TEST_CASE("programs that are killed are told where the balloon gives nothing back") {
    Workload workload = lender(4 * kGiB);
    workload.vms[0].deflate_on_oom = false;
    const RunResult result = watched(workload, policy(PolicyKind::fixed), 1);
    REQUIRE(!of_kind(result, Why::killed_programs).empty());
    CHECK(of_kind(result, Why::killed_programs)[0].reason.figures[0] > 0);
    CHECK(of_kind(result, Why::took_back).empty());
}

TEST_CASE("a balloon that comes short is told with what was asked and what it reached") {
    Workload workload = lender(4 * kGiB);
    workload.vms[0].balloon_bytes_per_s = kGiB / 10;
    const RunResult result = watched(workload, policy(PolicyKind::fixed), 1);
    const std::vector<Move> shorts = of_kind(result, Why::came_short);
    REQUIRE(shorts.size() >= 1);
    CHECK(shorts[0].at_s == 10);
    CHECK(shorts[0].reason.figures[0] == 4 * kGiBs);
    CHECK(shorts[0].to_bytes == Approx(1.0 * kGiB));
    CHECK(shorts[0].reason.figures[1] == shorts[0].to_bytes);
}

TEST_CASE("what a guest keeps at least is told as what held a decision back") {
    const RunResult result = watched(lender(8 * kGiB), policy(PolicyKind::fixed), 1);
    const std::vector<Move> moves = of_kind(result, Why::fixed);
    REQUIRE(!moves.empty());
    CHECK(moves[0].reason.wanted_bytes == 8 * kGiBs);
    CHECK(moves[0].to_bytes == Approx(8 * kGiB - 819 * kMiB));
    const RunResult free = watched(lender(kGiB), policy(PolicyKind::fixed), 1);
    CHECK(of_kind(free, Why::fixed)[0].reason.wanted_bytes == 0);
}

TEST_CASE("machines that come and go are told, those that are there from the start are not") {
    Workload workload = machines(2, 8 * kGiB, 300);
    workload.changes.push_back({100, 0, WorkloadChangeKind::goes});
    workload.changes.push_back({200, 0, WorkloadChangeKind::comes});
    const RunResult result = watched(workload, policy(PolicyKind::still), 1);
    REQUIRE(result.history->moves.size() == 2);
    CHECK(of_kind(result, Why::went)[0].at_s == 100);
    CHECK(of_kind(result, Why::came)[0].at_s == 200);
    CHECK(of_kind(result, Why::came)[0].domain == 0);
    const report::Envelope& kept = result.history->domains[0].kept;
    CHECK(kept.least[50] == report::kAbsent);
    CHECK(kept.least[90] == 8 * kGiBs);
}

TEST_CASE("a guest that the host kills is told once for each kill") {
    Workload workload = machines(2, 8 * kGiB, 300);
    for (DemandSeries& series : workload.series) series = {{{0, 1e9}, {100, 7.0 * kGiB}}, true};
    Constants constants;
    constants.host_swap_share = 0;
    constants.detail = {100, 1000, 2};
    const auto result = run(workload, policy(PolicyKind::still), {2, {}}, constants);
    REQUIRE(result);
    REQUIRE(result->totals.host_ooms > 0);
    CHECK(of_kind(*result, Why::killed).size() == result->totals.host_ooms);
}

TEST_CASE("the page's input tells all runs, which are on the front, and who keeps the goal") {
    const Workload workload = office();
    Comparison comparison{"office.csv",
                          {watched(workload, policy(PolicyKind::still), 1),
                           watched(workload, policy(PolicyKind::still), 4)}};
    Constants constants;
    constants.guest.turnover_s = 30;
    constants.tick_s = 5;
    const report::PageInput input = page_input(workload, constants, comparison);
    CHECK(input.domains.size() == 8);
    REQUIRE(input.runs.size() == 2);
    CHECK(input.runs[0].is_good);
    CHECK_FALSE(input.runs[1].is_good);
    CHECK(input.runs[0].on_front);
    CHECK(input.runs[1].stall_percent == comparison.results[1].stall_percent());
    CHECK(input.runs[0].history->domains.size() == 8);
    REQUIRE(input.densities.size() == 1);
    const report::Page page = page_of({input}, constants);
    REQUIRE(page.facts.size() == 2);
    CHECK(page.facts[0].name == "tick");
    CHECK(page.facts[1].name == "turnover_s");
    CHECK(page.facts[1].value == "30");
    CHECK(page_of({input}, Constants{}).facts.empty());
}
