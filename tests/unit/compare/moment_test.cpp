// What watches over policies and hosts sees it when one of them goes wrong.
#include "moment.h"

#include <catch2/catch.hpp>
#include <functional>

#include "outcome.h"
#include "tests/unit/sim/workload_fixture.h"

using namespace ballast;
using namespace ballast::test;

namespace {

using Broken = std::vector<std::string>;

constexpr Bytes kGiga = static_cast<Bytes>(kGiB);

// Two guests of 4 GiB, one with a gibibyte lent, on a host that swaps a little; tick by tick
// whatever a policy wants.
struct Rig {
    Workload workload = machines(2, 4 * kGiB, 1000);
    std::vector<std::uint64_t> min_mem{kGiB, kGiB};
    std::vector<Bytes> demand{2 * kGiga, 2 * kGiga};
    SimHost host{workload, {}, {.memory = 4 * kGiga, .own = 0, .swap = kGiga}};
    Moment before;

    Rig() {
        host.start(demand);
        before = tick({kGiga, 0});
    }
    Moment tick(const std::vector<Bytes>& loan) {
        for (std::size_t row = 0; row < loan.size(); ++row) host.ask(row, loan[row]);
        host.advance(host.at_s() + 1, 1, demand);
        return moment_of(workload, {host, demand, loan, loan, min_mem});
    }
};

}  // namespace

TEST_CASE_METHOD(Rig, "a host and a policy in order break no promise") {
    CHECK(before.swapped > 0);
    CHECK(before.guests[0].loaned == kGiga);
    CHECK(broken_promises({}, before).empty());
    CHECK(broken_promises(before, tick({2 * kGiga, kGiga})).empty());
}

TEST_CASE_METHOD(Rig,
                 "a policy that wants more than a guest has, or less than nothing, is caught") {
    CHECK(broken_promises(before, tick({4 * kGiga + 1, 0})) == Broken{"wish in bounds"});
    CHECK(broken_promises(before, tick({kGiga, -1})) == Broken{"wish in bounds"});
}

TEST_CASE_METHOD(Rig, "a guest that lends below its min_mem is caught") {
    demand = {kGiga / 8, kGiga / 8};
    CHECK(broken_promises(before, tick({3 * kGiga, 0})).empty());
    CHECK(broken_promises(before, tick({3 * kGiga + 4096, 0})) == Broken{"loan in bounds"});
}

TEST_CASE_METHOD(Rig, "a policy that asks something of a guest that is down is caught") {
    Moment now = before;
    now.guests[1].down = true;
    CHECK(broken_promises(before, now).empty());
    now.guests[1].wish = 4096;
    CHECK(broken_promises(before, now) == Broken{"down left alone"});
}

TEST_CASE_METHOD(Rig, "a stuck balloon that moves is caught") {
    before.guests[0].stuck = true;
    Moment now = before;
    CHECK(broken_promises(before, now).empty());
    now = tick({2 * kGiga, 0});
    CHECK(now.guests[0].loaned != before.guests[0].loaned);
    CHECK(broken_promises(before, now).empty());  // it is no longer stuck
    now.guests[0].stuck = true;
    CHECK(broken_promises(before, now) == Broken{"stuck unmoved"});
}

TEST_CASE_METHOD(Rig, "a single byte that is lost or made anywhere is caught") {
    struct Case {
        std::function<void(Moment&)> break_it;
        const char* name;
    };
    const Case cases[] = {
        {[](Moment& m) { ++m.guests[0].programs; }, "guest books"},
        {[](Moment& m) { --m.guests[0].free; }, "guest books"},
        {[](Moment& m) { ++m.guests[1].cold; }, "guest books"},
        {[](Moment& m) { --m.guests[1].kept; }, "guest books"},
        {[](Moment& m) { m.guests[1].guest_swapped = -1; }, "guest books"},
        {[](Moment& m) { ++m.guests[0].touched; }, "touched memory"},
        {[](Moment& m) { --m.guests[0].host_swapped; }, "touched memory"},
        {[](Moment& m) { ++m.guests[0].resident; }, "host books"},
        {[](Moment& m) { ++m.available; }, "host books"},
        {[](Moment& m) { ++m.own; }, "host books"},
        {[](Moment& m) { ++m.memory; }, "host books"},
        {[](Moment& m) { ++m.resident; }, "host books"},
        {[](Moment& m) { ++m.swapped; }, "host swap"},
        {[](Moment& m) { m.swap = m.swapped - 1; }, "host swap"},
    };
    for (const Case& one : cases) {
        Moment now = before;
        one.break_it(now);
        const Broken broken = broken_promises(before, now);
        INFO(one.name);
        CHECK(std::count(broken.begin(), broken.end(), one.name) == 1);
    }
    Moment less_than_nothing = before;
    less_than_nothing.memory -= less_than_nothing.available + 1;
    less_than_nothing.available = -1;
    CHECK(broken_promises(before, less_than_nothing) == Broken{"host books"});
}

namespace {

// Ticks of one guest on a quiet host for 1000 s, changed by `change`.
std::string letters_of(const std::function<void(Moment&)>& change) {
    Outcome outcome(1000);
    for (int at_s = 0; at_s <= 1000; ++at_s) {
        Moment now;
        now.at_s = at_s;
        now.memory = 4 * kGiga;
        now.available = kGiga;
        now.guests.emplace_back().name = "a";
        change(now);
        outcome.look(now);
    }
    return outcome.letters();
}

}  // namespace

TEST_CASE("each letter tells what went wrong, and nothing else does") {
    CHECK(letters_of([](Moment&) {}).empty());
    CHECK(letters_of([](Moment& now) { now.swapped = now.at_s == 500 ? 1 : 0; }) == "S");
    const auto swaps_with = [](Bytes wish_of_other) {
        return letters_of([wish_of_other](Moment& now) {
            now.swapped = now.at_s >= 500 ? 1 : 0;
            now.guests[0].wish = kGiga;
            GuestMoment& other = now.guests.emplace_back();
            other.capacity = other.resident = 4 * kGiga;
            other.wish = wish_of_other;
        });
    };
    CHECK(swaps_with(0) == "SC");
    CHECK(swaps_with(1) == "S");
    CHECK(letters_of([](Moment& now) {
              now.guests[0].loaned = now.guests[0].wish = 2 * kGiga;
              if (now.at_s == 500) now.guests[0].wish = kGiga - 1;
          }) == "G");
    CHECK(letters_of([](Moment& now) { now.guest_ooms = now.at_s >= 500 ? 1 : 0; }) == "O");
    CHECK(letters_of([](Moment& now) { now.unserved_byte_s = now.at_s >= 500 ? 1 : 0; }) == "K");
    CHECK(letters_of([](Moment& now) { now.stall_s = now.at_s >= 500 ? 2 : 0; }) == "W");
    CHECK(letters_of([](Moment& now) { now.stall_s = now.at_s >= 800 ? 0.9 : 0; }) == "E");
    CHECK(letters_of([](Moment& now) { now.stall_s = now.at_s / 100; }) == "WE");
    const auto reserves = [](Bytes bytes) {
        return letters_of([bytes](Moment& now) { now.reserved = now.at_s < 500 ? bytes : 0; });
    };
    CHECK(reserves(kGiga).empty());
    CHECK(reserves(kGiga + 1) == "U");
    CHECK(letters_of([](Moment& now) { now.guests[0].loaned = now.guests[0].wish = kGiga / 4; }) ==
          "L");
    CHECK(letters_of([](Moment& now) {
              now.guests[0].loaned = now.guests[0].wish = kGiga;
          }).empty());  // the host would be left with nothing
    CHECK(letters_of([](Moment& now) {
              const bool odd = now.at_s > 950 && now.at_s < 960;
              now.guests[0].loaned = now.guests[0].wish = odd ? kGiga + 1 : kGiga;
          }) == "R");
    CHECK(letters_of([](Moment& now) {
              now.guests[0].loaned = now.guests[0].wish = kGiga + static_cast<Bytes>(now.at_s);
          }).empty());
}
