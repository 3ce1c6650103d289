// OOM credits that wear off: through the controller, at its own pace.
#include <catch2/catch.hpp>

#include "base/log.h"
#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

// A guest with a credit.
struct Credited {
    Credited(std::uint64_t credit_bytes, Duration half_life) : bench(with(half_life)) {
        bench.backend.add("g1", 8 * kGiB);
        bench.backend.table.page_shift[0] = 12;
        bench.tick();
        bench.send(EventKind::oom, "g1", credit_bytes, 0);
        bench.backend.table.loaned_bytes[0] = 0;
    }
    static Settings with(Duration half_life) {
        Settings settings = fixed_settings(0);
        settings.cmm.oom_half_life = half_life;
        return settings;
    }
    std::uint64_t after(int seconds) {
        std::uint64_t credit = 0;
        for (int i = 0; i < seconds; ++i) credit = bench.tick()->decisions[0].oom_freed_bytes;
        return credit;
    }
    log::Redirect quiet{[](log::Level, std::string_view) {}};
    Bench bench;
};

}  // namespace

TEST_CASE("a credit is half as large after its half-life, however often it is looked at") {
    Credited guest(512 * kMiB, 600s);
    const std::uint64_t half = guest.after(601);
    CHECK(half == Approx(static_cast<double>(256 * kMiB)).epsilon(0.01));
    CHECK(half % kPage == 0);
}

// A page of 1 MiB lasts longer than a tick of its decay: the time has to add up.
TEST_CASE("a credit whose decay in one tick is less than a page wears off all the same") {
    Credited guest(100 * kPage, 3600s);
    REQUIRE(guest.after(2) == 100 * kPage);
    const double left = static_cast<double>(guest.after(3600)) / static_cast<double>(kPage);
    CHECK(left == Approx(50).margin(2));
}

TEST_CASE("where credits last for good, none wears off") {
    Credited guest(100 * kPage, Duration{0});
    CHECK(guest.after(3600) == 100 * kPage);
}

TEST_CASE("the time before there was a credit does not count against it") {
    Credited guest(512 * kMiB, 600s);
    REQUIRE(guest.after(1) > 510 * kMiB);
    REQUIRE(guest.bench.controller().set_attribute("g1", "oom_freed_kb", "0"));
    guest.after(6000);
    guest.bench.send(EventKind::oom, "g1", 512 * kMiB, 0);
    CHECK(guest.after(1) > 510 * kMiB);
}
