#include "hv_backends/libvirt/freshness.h"

#include <catch2/catch.hpp>

using ballast::DomainFlags;
using ballast::Freshness;
using ballast::Time;
using namespace std::chrono_literals;

namespace {

Freshness seen_first_at(Time at) {
    Freshness freshness;
    freshness.restart(at);
    return freshness;
}

}  // namespace

TEST_CASE("a guest without statistics is starting for ten seconds, then has none") {
    Freshness freshness = seen_first_at(Time{1h});
    CHECK(freshness.update(0, 1, true, Time{1h}) == DomainFlags::starting);
    CHECK(freshness.update(0, 1, true, Time{1h + 9s}) == DomainFlags::starting);
    CHECK(freshness.update(0, 1, true, Time{1h + 10s}) == DomainFlags::no_stats);
    CHECK(freshness.update(0, 1, true, Time{2h}) == DomainFlags::no_stats);
}

TEST_CASE("a domain that is brought up paused is starting until its guest has run") {
    Freshness freshness = seen_first_at(Time{});
    CHECK(freshness.update(0, 1, false, Time{5min}) == DomainFlags::starting);
    CHECK(freshness.update(0, 1, true, Time{5min + 9s}) == DomainFlags::starting);
    CHECK(freshness.update(0, 1, true, Time{5min + 10s}) == DomainFlags::no_stats);
}

TEST_CASE("after a reboot the statistics of before are none") {
    Freshness freshness = seen_first_at(Time{});
    CHECK(freshness.update(100, 1, true, Time{5s}) == DomainFlags::none);
    freshness.restart(Time{60s});
    CHECK(freshness.update(100, 1, true, Time{60s}) == DomainFlags::starting);
    CHECK(freshness.update(100, 1, true, Time{70s}) == DomainFlags::no_stats);
    CHECK(freshness.update(130, 1, true, Time{75s}) == DomainFlags::none);
    // Twice, before any came.
    freshness.restart(Time{80s});
    freshness.restart(Time{81s});
    CHECK(freshness.update(130, 1, true, Time{82s}) == DomainFlags::starting);
}

TEST_CASE("the first statistics end the start") {
    Freshness freshness = seen_first_at(Time{1h});
    CHECK(freshness.update(0, 1, true, Time{1h}) == DomainFlags::starting);
    CHECK(freshness.update(100, 1, true, Time{1h + 1s}) == DomainFlags::none);
}

TEST_CASE("statistics that stand still become stale, and fresh when they move again") {
    Freshness freshness = seen_first_at(Time{1h});
    CHECK(freshness.update(100, 1, true, Time{1h}) == DomainFlags::none);
    CHECK(freshness.update(100, 1, true, Time{1h + 5s}) == DomainFlags::none);
    CHECK(freshness.update(100, 1, true, Time{1h + 6s}) == DomainFlags::stale_stats);
    CHECK(freshness.update(101, 1, true, Time{1h + 7s}) == DomainFlags::none);
}

TEST_CASE("staleness is counted in the domain's own period") {
    Freshness freshness = seen_first_at(Time{});
    CHECK(freshness.update(100, 60, true, Time{}) == DomainFlags::none);
    CHECK(freshness.update(100, 60, true, Time{300s}) == DomainFlags::none);
    CHECK(freshness.update(100, 60, true, Time{301s}) == DomainFlags::stale_stats);
}

TEST_CASE("a record without statistics is no news, but does not freshen") {
    Freshness freshness = seen_first_at(Time{});
    CHECK(freshness.update(100, 1, true, Time{}) == DomainFlags::none);
    CHECK(freshness.update(0, 1, true, Time{3s}) == DomainFlags::none);
    CHECK(freshness.update(0, 1, true, Time{6s}) == DomainFlags::stale_stats);
}

TEST_CASE("time while the domain stands still does not age its statistics") {
    Freshness freshness = seen_first_at(Time{});
    CHECK(freshness.update(100, 1, true, Time{}) == DomainFlags::none);
    CHECK(freshness.update(100, 1, false, Time{1h}) == DomainFlags::none);
    CHECK(freshness.update(100, 1, true, Time{1h + 5s}) == DomainFlags::none);
    CHECK(freshness.update(100, 1, true, Time{1h + 6s}) == DomainFlags::stale_stats);
}

TEST_CASE("statistics are late from a balloon's move until the guest tells some again") {
    Freshness freshness = seen_first_at(Time{});
    freshness.balloon_moved();
    CHECK_FALSE(freshness.is_late());  // there are none
    freshness.update(100, 1, true, Time{1s});
    CHECK_FALSE(freshness.is_late());
    freshness.balloon_moved();
    CHECK(freshness.is_late());
    freshness.update(100, 1, true, Time{2s});
    freshness.update(0, 1, true, Time{3s});
    CHECK(freshness.is_late());
    freshness.update(101, 1, true, Time{4s});
    CHECK_FALSE(freshness.is_late());
}

TEST_CASE("a reboot starts over") {
    Freshness freshness = seen_first_at(Time{});
    CHECK(freshness.update(100, 1, true, Time{}) == DomainFlags::none);
    freshness.restart(Time{1min});
    CHECK(freshness.update(0, 1, true, Time{1min}) == DomainFlags::starting);
}

TEST_CASE("the age of statistics counts from when the guest sent them") {
    Freshness freshness = seen_first_at(Time{});
    CHECK_FALSE(freshness.age(Time{1s}));
    // Sent long before they were first seen.
    CHECK(freshness.update(100, 1, true, Time{1h}, 40s) == DomainFlags::stale_stats);
    CHECK(freshness.age(Time{1h}) == 40s);
    CHECK(freshness.age(Time{1h + 5s}) == 45s);
    CHECK(freshness.update(101, 1, true, Time{1h + 6s}, 0s) == DomainFlags::none);
    CHECK(freshness.age(Time{1h + 6s}) == 0s);
    // They grow old while the guest stands still, which is no fault of its own.
    CHECK(freshness.update(101, 1, false, Time{1h + 66s}, 60s) == DomainFlags::none);
    CHECK(freshness.age(Time{1h + 66s}) == 60s);
    CHECK(freshness.silent_for(Time{1h + 66s}) == 0s);
    freshness.update(101, 1, true, Time{1h + 70s}, 64s);
    CHECK(freshness.silent_for(Time{1h + 70s}) == 4s);
    // A clock that goes back.
    Freshness early = seen_first_at(Time{});
    early.update(100, 1, true, Time{5s}, -3s);
    CHECK(early.age(Time{5s}) == 0s);
}
