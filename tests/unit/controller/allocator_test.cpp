#include "controller/allocator.h"

#include <catch2/catch.hpp>

#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;

namespace {

// Three domains: one that takes 100 MiB back, one that lends 80 MiB, one that takes 30 MiB back.
struct Moves {
    Moves() {
        for (const char* name : {"taker", "lender", "small"}) backend.add(name, kGiB, 200 * kMiB);
        names.key = backend.table.key;
        names.name = backend.table.name;
        decisions.resize(3);
        controls.resize(3);
        for (std::size_t row = 0; row < 3; ++row) {
            decisions[row].loaned_before_bytes = decisions[row].loaned_after_bytes = 200 * kMiB;
            controls[row].known_loaned_bytes = 200 * kMiB;
        }
        decisions[0].decided_bytes = 100 * kMiB;
        decisions[1].decided_bytes = 280 * kMiB;
        decisions[2].decided_bytes = 170 * kMiB;
    }
    std::vector<std::string> run(std::uint64_t available_bytes, std::uint64_t reserve_bytes) {
        HostState host;
        host.available_bytes = available_bytes;
        Allocator(backend).run(host, {reserve_bytes}, names, controls, decisions, calls, troubles);
        std::vector<std::string> order;
        for (const Step& step : backend.steps) order.push_back(names.name[step.row]);
        return order;
    }
    FakeBackend backend;
    DomainNames names;
    std::vector<DomainControl> controls;
    std::vector<Decision> decisions;
    BackendCalls calls;
    std::vector<DomainTrouble> troubles;
};

using Order = std::vector<std::string>;

}  // namespace

TEST_CASE("memory is given back before any is taken") {
    Moves moves;
    CHECK(moves.run(kGiB, 0) == Order{"taker", "small", "lender"});
}

TEST_CASE("a give-back that the host has no room for waits until an inflation has freed it") {
    Moves moves;
    CHECK(moves.run(300 * kMiB, 250 * kMiB) == Order{"small", "lender", "taker"});
}

TEST_CASE("the host's reserve is kept; without the rule the host falls below it") {
    const bool rule = GENERATE(true, false);
    Moves moves;
    moves.decisions[1].decided_bytes = moves.decisions[1].loaned_before_bytes;  // nobody lends
    const std::uint64_t available = 260 * kMiB;
    moves.run(available, rule ? 250 * kMiB : 0);
    std::uint64_t taken = 0;
    for (const Decision& decision : moves.decisions) {
        taken += decision.loaned_before_bytes - decision.loaned_after_bytes;
    }
    CHECK((available - taken >= 250 * kMiB) == rule);
    CHECK((moves.decisions[0].constraint == Constraint::host_floor) == rule);
}

TEST_CASE("a guest that a policy finds short need not wait for the host's reserve") {
    const bool is_short = GENERATE(true, false);
    Moves moves;
    moves.decisions[1].decided_bytes = moves.decisions[1].loaned_before_bytes;  // nobody lends
    moves.decisions[0].request_reason =
        is_short ? RequestReason::guest_short : RequestReason::evened_out;
    moves.run(260 * kMiB, 250 * kMiB);
    CHECK((moves.decisions[0].constraint == Constraint::host_floor) != is_short);
}

TEST_CASE("what an asynchronous guest was asked to free does not count until it is free") {
    Moves moves;
    moves.backend.capabilities_.asynchronous = true;
    moves.run(300 * kMiB, 250 * kMiB);
    CHECK(moves.decisions[0].constraint == Constraint::host_floor);
}
