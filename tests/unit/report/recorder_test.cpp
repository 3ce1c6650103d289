#include "report/recorder.h"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace ballast::report;

namespace {

const Detail kDetail{10, 4, 2};

Move move(double at_s, std::int64_t from, std::int64_t to, Why why = Why::host_short) {
    return {at_s, 0, from, to, {why, {}, 0, {}}};
}

}  // namespace

TEST_CASE("a stretch keeps its least and its most, however short the peak") {
    HistoryRecorder recorder(1000, kDetail);
    for (int at = 0; at <= 1000; ++at) recorder.add(at, 0, {at == 555 ? 9000 : 100, 50, 0});
    const RunHistory history = recorder.take();
    REQUIRE(history.domains.size() == 1);
    const Envelope& kept = history.domains[0].kept;
    REQUIRE(kept.most.size() == 10);
    CHECK(kept.most[5] == 9000);
    CHECK(kept.least[5] == 100);
    CHECK(kept.most[4] == 100);
    CHECK(std::count(kept.most.begin(), kept.most.end(), 9000) == 1);
}

TEST_CASE("what was never told is absent, not zero") {
    HistoryRecorder recorder(100, kDetail);
    recorder.add(5, HostFigures{10, 20, 30, kAbsent, 0});
    recorder.add(95, 0, {7, kAbsent, 0});
    const RunHistory history = recorder.take();
    CHECK(history.host.kept.least[0] == 10);
    CHECK(history.host.kept.least[1] == kAbsent);
    CHECK(history.host.available.most[0] == kAbsent);
    CHECK(history.host.swapped.most[0] == 0);
    CHECK(history.domains[0].kept.most[0] == kAbsent);
    CHECK(history.domains[0].kept.most[9] == 7);
    CHECK(history.domains[0].demand.most[9] == kAbsent);
}

TEST_CASE("stall is the share of its stretch, and what ran out is counted where it did") {
    HistoryRecorder recorder(100, kDetail);
    recorder.add(12, 0, {1, 1, 2});
    recorder.add(17, 0, {1, 1, 3});
    recorder.add(40, 0, {1, 1, 500});
    recorder.add_oom(99.9, 0);
    recorder.add_oom(100, 0);
    recorder.add_kill(0, 0);
    const DomainHistory domain = recorder.take().domains[0];
    CHECK(domain.stall_share[1] == Approx(0.5));
    CHECK(domain.stall_share[4] == 1);
    CHECK(domain.ooms[9] == 2);
    CHECK(domain.kills[0] == 1);
}

TEST_CASE("of too many moves the largest are kept in the order of time, and the rest is counted") {
    HistoryRecorder recorder(100, kDetail);
    for (const int size : {5, 900, 3, 700, 800, 1, 600}) recorder.add(move(1000 - size, 0, size));
    const RunHistory history = recorder.take();
    REQUIRE(history.moves.size() == 4);
    CHECK(history.decisions_left_out == 3);
    CHECK(history.happenings_left_out == 0);
    CHECK(history.moves[0].to_bytes == 900);
    CHECK(history.moves[3].to_bytes == 600);
}

TEST_CASE("neither decisions nor what happens crowd out the other") {
    HistoryRecorder recorder(100, kDetail);
    for (int i = 0; i < 100; ++i) recorder.add(move(i, 1'000'000 + i, 0, Why::took_back));
    for (int i = 0; i < 3; ++i) recorder.add(move(i, 0, 1));
    recorder.add(move(50, 0, 0, Why::killed));
    const RunHistory history = recorder.take();
    REQUIRE(history.moves.size() == 4);
    const auto decided = std::count_if(history.moves.begin(), history.moves.end(),
                                       [](const Move& one) { return is_decision(one.reason.why); });
    CHECK(decided == 2);
    CHECK(history.decisions_left_out == 1);
    CHECK(history.happenings_left_out == 99);
    // It moved nothing, and explains the most.
    CHECK(std::any_of(history.moves.begin(), history.moves.end(),
                      [](const Move& one) { return one.reason.why == Why::killed; }));
}

TEST_CASE("domains beyond those that fit have moves and no series") {
    HistoryRecorder recorder(100, kDetail);
    recorder.add(1, 1, {1, 1, 1});
    recorder.add(1, 4, {1, 1, 1});
    recorder.add_oom(1, 4);
    recorder.add_kill(1, 4);
    recorder.add(Move{1, 4, 0, 9, {}});
    const RunHistory history = recorder.take();
    CHECK(history.domains.size() == 2);
    CHECK(history.moves.size() == 1);
}

TEST_CASE("a run without length has one moment") {
    HistoryRecorder recorder(0, kDetail);
    recorder.add(0, 0, {5, 5, 1});
    CHECK(recorder.take().domains[0].kept.most[0] == 5);
}

TEST_CASE("the more runs and domains, the less detail of each, and never too little to see") {
    const Detail one = detail_for(1, 1);
    const Detail many = detail_for(16 * 7, 200);
    CHECK(one.stretches > many.stretches);
    CHECK(many.stretches >= 24);
    CHECK(many.moves >= 40);
    CHECK(many.domains == 200);
    CHECK(detail_for(1, 1'000'000).domains == 1000);
    CHECK(detail_for(0, 0).stretches > 0);
}
