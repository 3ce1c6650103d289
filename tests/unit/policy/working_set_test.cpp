#include "policy/working_set.h"

#include <catch2/catch.hpp>

#include "base/units.h"

using namespace ballast;

namespace {

constexpr double kMb = static_cast<double>(kMiB);
constexpr double kTotal = 1024 * kMb;

struct Guest {
    // All that it can use at once is cache.
    void look(double kept_mib, double usable_mib, double passed_s = 1) {
        set.look({.total = kTotal,
                  .kept = kept_mib * kMb,
                  .usable = usable_mib * kMb,
                  .cache = usable_mib * kMb,
                  .major_faults = faults,
                  .late = late,
                  .least_kept = least_kept_mib * kMb},
                 passed_s, settings);
    }
    double used_mib() const { return set.used() / kMb; }

    WorkingSet set;
    WorkingSetSettings settings;
    std::uint64_t faults = 0;
    bool late = false;
    double least_kept_mib = 1024;
};

}  // namespace

TEST_CASE("working set: what a guest cannot use at once is used") {
    Guest guest;
    for (int i = 0; i < 3; ++i) guest.look(1024, 600);
    CHECK(guest.set.settled());
    CHECK(guest.used_mib() == 424);
    CHECK(guest.set.growth() == 0);
}

TEST_CASE("working set: what a guest gives is not used where its size does not show it yet") {
    Guest guest;
    for (int i = 0; i < 3; ++i) guest.look(512, 400);
    REQUIRE(guest.used_mib() == 112);
    guest.late = true;
    guest.least_kept_mib = 256;
    guest.look(511, 144);  // gave 256 MiB, of which the first is seen
    CHECK(guest.used_mib() == 112);
    guest.look(256, 144);
    CHECK(guest.used_mib() == 112);
    guest.late = false;
    for (int i = 0; i < 3; ++i) guest.look(300, 144);  // at rest, its size is what counts
    CHECK(guest.used_mib() == 156);
}

TEST_CASE("working set: figures of before a move are not taken for those of after it") {
    Guest guest;
    for (int i = 0; i < 3; ++i) guest.look(1024, 600);
    guest.look(624, 600);  // inflated; its statistics do not know yet
    CHECK_FALSE(guest.set.settled());
    for (int i = 0; i < 2; ++i) guest.look(624, 200);
    CHECK(guest.set.settled());
    CHECK(guest.used_mib() == 424);
    guest.look(1024, 200);  // deflated, and the same
    CHECK_FALSE(guest.set.settled());
    CHECK(guest.used_mib() == 424);
    for (int i = 0; i < 20; ++i) guest.look(1024, 600);
    CHECK(guest.set.growth() == 0);
}

TEST_CASE("working set: looks that are far apart see figures that belong together") {
    Guest guest;
    for (int i = 0; i < 3; ++i) guest.look(1024, 600, 10);
    guest.look(624, 200, 10);
    CHECK(guest.set.settled());
    CHECK(guest.used_mib() == 424);
}

TEST_CASE("working set: more usable than there is contradicts itself, and is no reason to take") {
    Guest guest;
    for (int i = 0; i < 5; ++i) guest.look(400, 600);
    CHECK_FALSE(guest.set.settled());
    CHECK(guest.used_mib() == 0);
}

TEST_CASE("working set: growth is what is used more than a while ago, however often that is seen") {
    const double step_s = GENERATE(1.0, 10.0);
    Guest guest;
    for (int i = 0; i < 300; ++i) guest.look(1024, 600 - (i % 2) * 20, step_s);
    CHECK(guest.set.growth() / kMb == 20);  // that it goes up and down makes it no larger
    // A ramp of 1 MiB/s for five minutes.
    double at_s = 0;
    for (; at_s < 300; at_s += step_s) guest.look(1024, 580 - at_s, step_s);
    CHECK(guest.set.growth() / kMb > guest.settings.growth_s);
    CHECK(guest.set.growth() / kMb < 2 * guest.settings.growth_s + 20);
    const double grew = guest.set.growth();
    for (at_s = 0; at_s < 1800; at_s += step_s) guest.look(1024, 280, step_s);
    CHECK(guest.set.growth() == Approx(grew / 2).epsilon(0.05));
}

TEST_CASE(
    "working set: what a guest that lends waits for was in use, and what one that does not is its "
    "own") {
    const bool lends = GENERATE(true, false);
    Guest guest;
    const double kept_mib = lends ? 500 : 1024;
    for (int i = 0; i < 3; ++i) guest.look(kept_mib, kept_mib - 400);
    const double before = guest.set.cache_share();
    guest.faults += 2560;  // 10 MiB
    guest.look(kept_mib, kept_mib - 400);
    if (lends)
        CHECK(guest.set.cache_share() == Approx(before + 20.0 / 400));
    else
        CHECK(guest.set.cache_share() == before);
    // A few are no sign.
    const double after = guest.set.cache_share();
    guest.faults += 4;
    guest.look(kept_mib, kept_mib - 400);
    CHECK(guest.set.cache_share() == after);
}

TEST_CASE(
    "working set: less cache is tried for after a while, and after a longer one where it failed") {
    Guest guest;
    const auto until_less = [&] {
        const double before = guest.set.cache_share();
        double passed_s = 0;
        while (guest.set.cache_share() >= before && passed_s < 1e6) {
            guest.look(480, 80, 10);
            passed_s += 10;
        }
        return passed_s;
    };
    guest.look(480, 80, 10);
    const double first_s = until_less();
    CHECK(first_s > 500);
    guest.faults += 100000;
    guest.look(480, 80, 10);
    CHECK(until_less() > 1.8 * first_s);
}

TEST_CASE(
    "working set: statistics that stay as they were before a move are no reason to take more") {
    Guest guest;
    for (int i = 0; i < 3; ++i) guest.look(1024, 600);
    guest.late = true;
    for (int i = 0; i < 100; ++i) guest.look(900, 600);
    CHECK_FALSE(guest.set.settled());
    guest.late = false;
    guest.look(900, 476);
    CHECK(guest.set.settled());
    CHECK(guest.used_mib() == 424);
}

TEST_CASE("working set: a guest that tells the same after a move as before it is believed") {
    Guest guest;
    for (int i = 0; i < 3; ++i) guest.look(1024, 600);
    guest.look(900, 600);
    for (int i = 0; i < 2; ++i) guest.look(900, 600);
    CHECK(guest.set.settled());
    CHECK(guest.used_mib() == 300);
}
