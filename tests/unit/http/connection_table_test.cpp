#include "controller/http/connection_table.h"

#include <catch2/catch.hpp>
#include <vector>

#include "http_fixture.h"

using namespace ballast;
using namespace ballast::test;
using std::chrono::seconds;

namespace {

using Cut = std::vector<int>;

// Two places for others, three with the group, four with root.
struct Table {
    ManualClock clock;
    Cut cut;
    ConnectionTable table{{2, 3, 4}, clock, [this](int fd) { cut.push_back(fd); }};

    void add(int fd, Rank rank = Rank::other) {
        clock.at += std::chrono::milliseconds(1);
        table.add(fd, rank);
    }
};

}  // namespace

TEST_CASE("each phase has its time, however often something comes") {
    Table all;
    struct {
        Phase phase;
        int seconds;
    } const phases[] = {
        {Phase::idle, 15}, {Phase::headers, 5}, {Phase::body, 10}, {Phase::sending, 60}};
    for (const auto& [phase, most] : phases) {
        all.cut.clear();
        all.add(5);
        all.table.enter(5, phase);
        all.clock.at += seconds(most);
        all.table.cut_overdue();
        CHECK(all.cut.empty());
        all.clock.at += std::chrono::milliseconds(1);
        all.table.cut_overdue();
        all.table.cut_overdue();
        CHECK(all.cut == Cut{5});  // once
        CHECK(all.table.count() == 0);
        all.table.remove(5);
    }
    for (const Phase phase : {Phase::handling, Phase::streaming}) {
        all.cut.clear();
        all.add(5);
        all.table.enter(5, phase);
        all.clock.at += std::chrono::hours(10);
        all.table.cut_overdue();
        CHECK(all.cut.empty());
        all.table.remove(5);
    }
}

TEST_CASE("a new connection takes the place of the one that has waited longest") {
    Table all;
    all.add(1);
    all.add(2);
    all.clock.at += seconds(1);
    all.table.enter(1, Phase::headers);  // its phase is younger now
    all.add(3);
    CHECK(all.cut == Cut{2});
    CHECK(all.table.count() == 2);
    all.table.remove(2);
    all.table.enter(1, Phase::handling);
    all.table.enter(3, Phase::streaming);
    all.add(4);  // nobody gives way
    CHECK(all.cut == Cut{2, 4});
    all.table.remove(4);
    all.table.enter(3, Phase::idle);
    all.add(5);
    CHECK(all.cut == Cut{2, 4, 3});
}

TEST_CASE("those who may only read never take a place of those who may write") {
    Table all;
    all.add(1);
    all.add(2);
    all.add(3, Rank::group);
    all.add(4, Rank::root);
    CHECK(all.cut.empty());
    all.add(5);
    CHECK(all.cut == Cut{1});  // one of its own
    all.table.remove(1);
    all.add(6, Rank::group);
    CHECK(all.cut == Cut{1, 2});  // of a lower rank, or its own
    all.table.remove(2);
    for (int fd : {5, 3, 6}) all.table.enter(fd, Phase::handling);
    all.add(7, Rank::group);
    CHECK(all.cut == Cut{1, 2, 7});  // not root's
    all.table.remove(7);
    all.add(8, Rank::root);
    CHECK(all.cut == Cut{1, 2, 7, 4});
    CHECK(all.table.count() == 4);
}

TEST_CASE("a descriptor that is used again begins anew") {
    Table all;
    all.add(1);
    all.add(2);
    all.add(3);
    CHECK(all.cut == Cut{1});
    all.table.remove(1);
    all.add(1);
    CHECK(all.cut == Cut{1, 2});
    all.table.enter(99, Phase::body);  // unknown ones do no harm
    all.table.remove(99);
    CHECK(all.table.count() == 2);
}
