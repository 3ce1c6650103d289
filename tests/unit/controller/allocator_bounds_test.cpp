// The host's reserve and what the allocator remembers of moves: each bound on its own.
#include <catch2/catch.hpp>

#include "base/log.h"
#include "controller/allocator.h"
#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;

namespace {

// Domains of 1 GiB that lend 500 MiB each.
struct Moves {
    explicit Moves(std::vector<std::uint64_t> decided) {
        for (std::size_t row = 0; row < decided.size(); ++row) {
            backend.add("g" + std::to_string(row), kGiB, 500 * kMiB);
            Decision& decision = decisions.emplace_back();
            decision.loaned_before_bytes = decision.loaned_after_bytes = 500 * kMiB;
            decision.loan_target_bytes = decision.decided_bytes = decided[row];
            controls.emplace_back().known_loaned_bytes = 500 * kMiB;
        }
        names.key = backend.table.key;
        names.name = backend.table.name;
    }
    void run(std::uint64_t available_bytes, std::uint64_t reserve_bytes) {
        HostState host;
        host.available_bytes = available_bytes;
        Allocator(backend).run(host, {reserve_bytes}, names, controls, decisions, calls, troubles);
    }
    std::uint64_t given_back(std::size_t row) const {
        return decisions[row].loaned_before_bytes - decisions[row].loaned_after_bytes;
    }
    bool waits(std::size_t row) const {
        return decisions[row].constraint == Constraint::host_floor;
    }

    FakeBackend backend;
    DomainNames names;
    std::vector<DomainControl> controls;
    std::vector<Decision> decisions;
    BackendCalls calls;
    std::vector<DomainTrouble> troubles;
};

}  // namespace

TEST_CASE("give-backs that fit one by one, and not together, are not both made") {
    Moves moves({400 * kMiB, 400 * kMiB});
    moves.run(400 * kMiB, 250 * kMiB);
    CHECK(moves.given_back(0) == 100 * kMiB);
    CHECK(moves.given_back(1) == 0);
    CHECK(moves.waits(1));
    CHECK_FALSE(moves.waits(0));
}

TEST_CASE("a give-back that takes the host exactly to its reserve is made, one page more is not") {
    const std::uint64_t more = GENERATE(std::uint64_t{0}, kPage);
    Moves moves({400 * kMiB - more});
    moves.run(350 * kMiB, 250 * kMiB);
    CHECK(moves.waits(0) == (more > 0));
}

TEST_CASE("a give-back that waits is decided to be none") {
    Moves moves({0});
    moves.run(300 * kMiB, 250 * kMiB);
    CHECK(moves.waits(0));
    CHECK(moves.decisions[0].decided_bytes == 500 * kMiB);
    CHECK(moves.decisions[0].loaned_after_bytes == 500 * kMiB);
    CHECK(moves.backend.steps.empty());
}

TEST_CASE("a host below its reserve has no room at all") {
    Moves moves({500 * kMiB - kPage});
    moves.run(100 * kMiB, 250 * kMiB);
    CHECK(moves.waits(0));
}

TEST_CASE("without a reserve, or where the host does not tell what it has, nothing waits") {
    const auto [available, reserve] = GENERATE(table<std::uint64_t, std::uint64_t>(
        {{0, 0}, {kMiB, 0}, {kUnknownBytes, 250 * kMiB}, {kUnknownBytes, 0}}));
    Moves moves({400 * kMiB, 0});
    moves.run(available, reserve);
    CHECK(moves.given_back(0) == 100 * kMiB);
    CHECK(moves.given_back(1) == 500 * kMiB);
}

TEST_CASE("what guests in distress took is no room for others") {
    const bool by_policy = GENERATE(true, false);
    Moves moves({400 * kMiB, 480 * kMiB});
    if (by_policy)
        moves.decisions[0].request_reason = RequestReason::guest_short;
    else
        moves.decisions[0].constraint = Constraint::surge;
    // Room for 110 MiB: 100 for the one in distress, 10 for the other, who wants 20.
    moves.run(360 * kMiB, 250 * kMiB);
    CHECK(moves.given_back(0) == 100 * kMiB);
    CHECK(moves.waits(1));
}

TEST_CASE("a guest in distress that draws on the reserve leaves no room, not endless room") {
    Moves moves({400 * kMiB, 480 * kMiB});
    moves.decisions[0].constraint = Constraint::surge;
    moves.run(300 * kMiB, 250 * kMiB);  // 50 MiB of room
    CHECK(moves.given_back(0) == 100 * kMiB);
    CHECK(moves.waits(1));
}

TEST_CASE("a guest in distress is served before one that comes first in the table") {
    Moves moves({400 * kMiB, 400 * kMiB});
    moves.decisions[1].constraint = Constraint::surge;
    moves.run(kGiB, 250 * kMiB);
    REQUIRE(moves.backend.steps.size() == 2);
    CHECK(moves.backend.steps[0].row == 1);
}

TEST_CASE(
    "what an inflation frees is room for a give-back of that size, and not for a larger one") {
    const std::uint64_t more = GENERATE(std::uint64_t{0}, kPage);
    Moves moves({400 * kMiB - more, 600 * kMiB});
    moves.run(250 * kMiB, 250 * kMiB);
    CHECK(moves.waits(0) == (more > 0));
}

TEST_CASE("of an inflation that came short only what was really freed is room") {
    Moves moves({450 * kMiB, 600 * kMiB});
    moves.backend.answer = [](const Step& step) -> StepOutcome {
        if (step.row == 0) return {StepStatus::done, step.loaned_to_bytes, {}, {}};
        return {StepStatus::partial, step.loaned_from_bytes + 49 * kMiB, {}, "no free page"};
    };
    moves.run(250 * kMiB, 250 * kMiB);
    CHECK(moves.waits(0));
    CHECK(moves.decisions[1].loaned_after_bytes == 549 * kMiB);
}

TEST_CASE("an inflation that came short falls back, one that was made or accepted does not") {
    const auto [status, falls] = GENERATE(table<StepStatus, bool>({
        {StepStatus::done, false},
        {StepStatus::accepted, false},
        {StepStatus::partial, true},
        {StepStatus::refused, true},
        {StepStatus::gone, true},
        {StepStatus::failed, true},
    }));
    Moves moves({600 * kMiB});
    moves.backend.answer = [status = status](const Step& step) -> StepOutcome {
        const bool done = status == StepStatus::done;
        return {status, done ? step.loaned_to_bytes : step.loaned_from_bytes, {}, {}};
    };
    moves.run(kGiB, 0);
    CHECK(moves.decisions[0].loan_target_bytes == (falls ? 500 : 600) * kMiB);
    CHECK((moves.decisions[0].constraint == Constraint::backend_error) == falls);
    CHECK(moves.troubles.size() == (falls ? 1 : 0));
}

TEST_CASE("each outcome of a step is counted under its own name") {
    const auto [status, counter] = GENERATE(table<StepStatus, std::uint64_t BackendCalls::*>({
        {StepStatus::done, &BackendCalls::apply_done},
        {StepStatus::accepted, &BackendCalls::apply_accepted},
        {StepStatus::partial, &BackendCalls::apply_partial},
        {StepStatus::refused, &BackendCalls::apply_refused},
        {StepStatus::gone, &BackendCalls::apply_gone},
        {StepStatus::failed, &BackendCalls::apply_failed},
    }));
    Moves moves({600 * kMiB});
    moves.backend.answer = [status = status](const Step& step) -> StepOutcome {
        const bool done = status == StepStatus::done;
        return {status, done ? step.loaned_to_bytes : step.loaned_from_bytes, {}, {}};
    };
    moves.run(kGiB, 0);
    CHECK(moves.calls.*counter == 1);
    const BackendCalls& calls = moves.calls;
    CHECK(calls.apply_done + calls.apply_accepted + calls.apply_partial + calls.apply_refused +
              calls.apply_gone + calls.apply_failed ==
          1);
}

TEST_CASE("a backend's own reason why a move came short is told, not a made-up one") {
    Moves moves({600 * kMiB});
    moves.backend.answer = [](const Step& step) -> StepOutcome {
        return {StepStatus::refused, step.loaned_from_bytes, Constraint::stuck, "busy"};
    };
    moves.run(kGiB, 0);
    CHECK(moves.decisions[0].constraint == Constraint::stuck);
}

TEST_CASE("a set value that is to follow a guest is set again, though nothing is to move") {
    const Realign realign = GENERATE(Realign::no, Realign::waiting, Realign::due);
    Moves moves({500 * kMiB});
    moves.backend.capabilities_.asynchronous = true;
    moves.controls[0].realign = realign;
    moves.run(0, kGiB);
    REQUIRE(moves.backend.steps.size() == (realign == Realign::due ? 1 : 0));
    CHECK((realign != Realign::due || moves.controls[0].realign == Realign::no));
}

TEST_CASE(
    "a move that was accepted is remembered: from where, to where, and that it is not there") {
    const std::uint64_t to = GENERATE(300 * kMiB, 700 * kMiB);
    Moves moves({to});
    moves.backend.capabilities_.asynchronous = true;
    moves.controls[0].reached_set = true;
    moves.run(kGiB, 0);
    const DomainControl& control = moves.controls[0];
    CHECK(control.set_bytes == to);
    CHECK(control.asked_bytes == to);
    CHECK(control.floor_bytes == std::min(500 * kMiB, to));
    CHECK_FALSE(control.reached_set);
    CHECK(control.known_loaned_bytes == 500 * kMiB);
    CHECK(moves.decisions[0].outcome == StepStatus::accepted);
}

TEST_CASE(
    "the most that was asked for and may still come to be is not forgotten by a new request") {
    const bool reached = GENERATE(false, true);
    Moves moves({700 * kMiB});
    moves.backend.capabilities_.asynchronous = true;
    moves.run(kGiB, 0);
    moves.controls[0].reached_set = reached;
    moves.decisions[0].decided_bytes = 600 * kMiB;
    moves.run(kGiB, 0);
    CHECK(moves.controls[0].set_bytes == 600 * kMiB);
    CHECK(moves.controls[0].asked_bytes == (reached ? 600 : 700) * kMiB);
}

// The harm where it is forgotten: what the guest gives late is taken for its own size.
TEST_CASE("a request that comes true after a smaller one failed is given back at the end") {
    const log::Redirect quiet([](log::Level, std::string_view) {});
    Bench bench(fixed_settings(300 * 1024));
    bench.backend.capabilities_.asynchronous = true;
    bench.backend.add("g1", kGiB);
    bench.tick();  // 300 MiB, pending
    REQUIRE(bench.controller().set_attribute("g1", "simulate_loan_target_kb", "102400"));
    bench.tick();  // 100 MiB in its place
    REQUIRE(bench.backend.steps.back().loaned_to_bytes == 100 * kMiB);
    bench.send(EventKind::move_failed, "g1");
    bench.backend.answer = [](const Step& step) {
        return StepOutcome{StepStatus::refused, step.loaned_from_bytes, Constraint::stuck, ""};
    };
    bench.tick();
    bench.backend.table.loaned_bytes[0] = 280 * kMiB;
    bench.tick();
    CHECK(bench.controller().lent_bytes() == 280 * kMiB);
}

TEST_CASE("what is asked for already is not asked for again") {
    Moves moves({700 * kMiB});
    moves.backend.capabilities_.asynchronous = true;
    moves.run(kGiB, 0);
    moves.run(kGiB, 0);
    CHECK(moves.backend.steps.size() == 1);
    SECTION("but once it was reached and left, it is") {
        moves.controls[0].reached_set = true;
        moves.run(kGiB, 0);
        CHECK(moves.backend.steps.size() == 2);
    }
    SECTION("and where the set value has to follow, it is") {
        moves.controls[0].realign = Realign::due;
        moves.run(kGiB, 0);
        CHECK(moves.backend.steps.size() == 2);
    }
}

TEST_CASE("a step is no larger than the backend allows, in either direction") {
    const auto [to, steps] = GENERATE(table<std::uint64_t, std::size_t>(
        {{565 * kMiB, 3}, {435 * kMiB, 3}, {530 * kMiB, 1}, {470 * kMiB, 1}, {0, 17}}));
    Moves moves({to});
    moves.backend.capabilities_.max_step_bytes = 30 * kMiB;
    moves.run(kGiB, 0);
    CHECK(moves.backend.steps.size() == steps);
    CHECK(moves.decisions[0].loaned_after_bytes == to);
    CHECK(moves.controls[0].known_loaned_bytes == to);
    for (const Step& step : moves.backend.steps) {
        const std::uint64_t moved = std::max(step.loaned_to_bytes, step.loaned_from_bytes) -
                                    std::min(step.loaned_to_bytes, step.loaned_from_bytes);
        CHECK(moved <= 30 * kMiB);
    }
}
