// Guests that cannot move are not stuck, and every rule of watch_progress on its own.
#include <catch2/catch.hpp>

#include "base/log.h"
#include "controller/progress.h"
#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

constexpr StuckRules kRules{.after = 30s, .retry_max = 100s};
constexpr Time kStart{std::chrono::hours(1)};

// A guest that lends 50 MiB and was asked for 200 at kStart.
struct Watched {
    Watched() {
        control.progress.last_bytes = 50 * kMiB;
        control.set_bytes = 200 * kMiB;
        look(0, 50 * kMiB);
    }
    void look(int second, std::uint64_t loaned_bytes, bool standing_still = false) {
        watch_progress(control, loaned_bytes, standing_still, kStart + std::chrono::seconds(second),
                       kRules);
    }
    DomainControl control;
    Progress& progress = control.progress;
};

}  // namespace

TEST_CASE("a guest is stuck after so long without progress, not before") {
    Watched guest;
    guest.look(29, 50 * kMiB);
    CHECK_FALSE(guest.progress.stuck);
    guest.look(30, 50 * kMiB);
    CHECK(guest.progress.stuck);
    CHECK(guest.progress.wait == 30s);
    CHECK(guest.progress.retry_at == kStart + 60s);
    CHECK(guest.control.realign == Realign::due);
}

TEST_CASE("time in which a guest stands still is no time without progress") {
    Watched guest;
    for (int second = 1; second <= 100; ++second) guest.look(second, 50 * kMiB, true);
    guest.look(129, 50 * kMiB);
    CHECK_FALSE(guest.progress.stuck);
    guest.look(130, 50 * kMiB);
    CHECK(guest.progress.stuck);
}

TEST_CASE("time after a guest has arrived is no time without progress") {
    Watched guest;
    guest.look(10, 200 * kMiB);
    for (int second = 11; second <= 100; ++second) guest.look(second, 200 * kMiB);
    CHECK_FALSE(guest.progress.stuck);
}

TEST_CASE("coming nearer is progress, going away and coming back is none") {
    Watched guest;
    guest.look(20, 60 * kMiB);
    guest.look(30, 40 * kMiB);
    guest.look(40, 60 * kMiB);
    CHECK_FALSE(guest.progress.stuck);
    guest.look(50, 60 * kMiB);
    CHECK(guest.progress.stuck);
    // A step nearer, and it is forgiven.
    guest.look(51, 60 * kMiB + kPage);
    CHECK_FALSE(guest.progress.stuck);
    CHECK(guest.progress.wait == Duration{0});
}

TEST_CASE("what it had reached when it was asked counts, not what it has at the first look") {
    DomainControl control;
    control.progress.last_bytes = 50 * kMiB;
    control.set_bytes = 200 * kMiB;
    watch_progress(control, 70 * kMiB, false, kStart, kRules);
    CHECK(control.progress.nearest_bytes == 70 * kMiB);  // 20 MiB of progress
    CHECK_FALSE(control.progress.stuck);
}

TEST_CASE("the wait of a guest that stays stuck doubles up to retry_max") {
    Watched guest;
    for (const auto& [second, wait] : {std::pair{30, 30s}, {60, 60s}, {90, 100s}, {120, 100s}}) {
        guest.look(second - 1, 50 * kMiB);
        guest.look(second, 50 * kMiB);
        CHECK(guest.progress.wait == wait);
    }
}

TEST_CASE("another request starts the time anew") {
    Watched guest;
    guest.look(29, 50 * kMiB);
    guest.control.set_bytes = 300 * kMiB;
    guest.look(30, 50 * kMiB);
    guest.look(59, 50 * kMiB);
    CHECK_FALSE(guest.progress.stuck);
    guest.look(60, 50 * kMiB);
    CHECK(guest.progress.stuck);
}

TEST_CASE("a guest of which nothing is asked is watched anew once something is") {
    Watched guest;
    guest.control.set_bytes = kUnknownBytes;
    guest.look(1, 50 * kMiB);
    guest.control.set_bytes = 200 * kMiB;
    guest.look(40, 50 * kMiB);
    CHECK_FALSE(guest.progress.stuck);
}

TEST_CASE(
    "a guest that does not take memory back keeps the offer; one that is to have all is silent") {
    const std::uint64_t set = GENERATE(std::uint64_t{0}, 10 * kMiB);
    DomainControl control;
    control.progress.last_bytes = 50 * kMiB;
    control.set_bytes = set;
    watch_progress(control, 50 * kMiB, false, kStart, kRules);
    watch_progress(control, 50 * kMiB, false, kStart + 30s, kRules);
    CHECK(control.progress.stuck);
    CHECK(control.realign == Realign::no);
    CHECK((control.silent_since == kStart + 30s) == (set == 0));
}

TEST_CASE("no guest is ever stuck where the time for it is 0") {
    DomainControl control;
    control.set_bytes = kMiB;
    for (int hour = 0; hour < 10; ++hour)
        watch_progress(control, 0, false, kStart + std::chrono::hours(hour), {});
    CHECK_FALSE(control.progress.stuck);
}

TEST_CASE("a guest that cannot move for a while, for whatever reason, is not stuck then") {
    const std::vector<DomainFlags> flags{DomainFlags::paused, DomainFlags::migrating,
                                         DomainFlags::saving, DomainFlags::crashed,
                                         DomainFlags::unanswered};
    const std::vector<EventKind> events{EventKind::domain_paused, EventKind::migration_began};
    const log::Redirect quiet([](log::Level, std::string_view) {});
    Settings settings = fixed_settings(200 * 1024);
    Bench bench(settings);
    bench.backend.capabilities_.asynchronous = true;
    bench.backend.add("g1", kGiB);
    for (int i = 0; i < 3; ++i) bench.tick();
    REQUIRE(bench.backend.steps.size() == 1);
    const std::size_t index = GENERATE(range(std::size_t{0}, std::size_t{7}));
    CAPTURE(index);
    if (index < flags.size())
        bench.backend.table.flags[0] = flags[index];
    else
        bench.send(events[index - flags.size()], "g1");
    for (int i = 0; i < 100; ++i) bench.tick();
    bench.backend.table.flags[0] = DomainFlags::none;
    bench.send(EventKind::domain_resumed, "g1");
    bench.send(EventKind::migration_ended, "g1");
    for (int i = 0; i < 20; ++i) CHECK(bench.tick()->decisions[0].constraint == Constraint::none);
    CHECK(bench.backend.steps.size() == 1);  // the request stands
    for (int i = 0; i < 20; ++i) bench.tick();
    CHECK(bench.backend.steps.size() == 2);  // and is pulled back in the end
}

TEST_CASE("a guest that starts over is not up while it starts or has told no figures") {
    const DomainFlags flag = GENERATE(DomainFlags::starting, DomainFlags::no_stats);
    const log::Redirect quiet([](log::Level, std::string_view) {});
    Settings settings = fixed_settings(200 * 1024);
    settings.guests.set_by_others = SetByOthers::release;
    Bench bench(settings);
    bench.backend.capabilities_.asynchronous = true;
    bench.backend.capabilities_.reports_oom = false;
    bench.backend.add("g1", kGiB);
    bench.backend.table.flags[0] = DomainFlags::deflate_on_oom;
    bench.tick();
    bench.backend.table.loaned_bytes[0] = 200 * kMiB;
    bench.tick();
    bench.send(EventKind::guest_rebooted, "g1");
    // Its balloon moves on its own meanwhile.
    bench.backend.table.flags[0] = flag | DomainFlags::deflate_on_oom;
    bench.tick();
    for (const std::uint64_t loaned : {150 * kMiB, 100 * kMiB, std::uint64_t{0}, 30 * kMiB}) {
        bench.backend.table.loaned_bytes[0] = loaned;
        CHECK(bench.tick()->decisions[0].oom_freed_bytes == 0);
    }
    for (int i = 0; i < 5; ++i) bench.tick();
    CHECK(bench.controller().snapshots().latest()->decisions[0].constraint !=
          Constraint::set_by_others);
    bench.backend.table.flags[0] = DomainFlags::deflate_on_oom;
    bench.backend.table.loaned_bytes[0] = 200 * kMiB;
    for (int i = 0; i < 5; ++i) bench.tick();
    CHECK(bench.controller().snapshots().latest()->decisions[0].constraint == Constraint::none);
}
