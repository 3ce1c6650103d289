#include "controller/bus_feed.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "bus/ballast_bus.hpp"
#include "sim/virtual_clock.h"
#include "tests/unit/http/temp_dir.h"

using namespace ballast;
using namespace ballast::test;

namespace {

struct FeedFixture {
    TempDir folder;
    SystemClock clock;
    BusFeed feed{clock};
    BusSettings settings{folder.path("events"), 64};
    Snapshot snapshot;
    DomainTable domains;
    std::vector<DomainControl> controls;
    BusFeed::Beside beside{domains, {}, 512};

    FeedFixture() {
        auto names = std::make_shared<DomainNames>();
        names->name = {"a", "b"};
        names->key = {key_from_name("a"), key_from_name("b")};
        snapshot.names = names;
        snapshot.decisions.resize(2);
    }
    void tick() { feed.tick(snapshot, beside); }
    // The types of what is there for `bus`, in order; the last record stays in `record`.
    std::vector<unsigned> types(Bus& bus) {
        std::vector<unsigned> all;
        ballast_bus_record next;
        while (bus.next(next, 0) == BALLAST_BUS_RECORD) {
            record = next;
            if (next.type == BALLAST_BUS_DECISION) decision = next.payload.decision;
            all.push_back(next.type);
        }
        return all;
    }
    ballast_bus_record record{};
    ballast_bus_decision decision{};
};

using Types = std::vector<unsigned>;

}  // namespace

TEST_CASE("decisions are published when they change, and the sums with every tick") {
    FeedFixture fixture;
    REQUIRE(fixture.feed.attach(fixture.settings));
    Bus bus(fixture.settings.path);
    fixture.tick();
    CHECK(fixture.types(bus) == Types{BALLAST_BUS_GUEST, BALLAST_BUS_GUEST, BALLAST_BUS_DECISION,
                                      BALLAST_BUS_DECISION, BALLAST_BUS_TICK});
    fixture.tick();
    CHECK(fixture.types(bus) == Types{BALLAST_BUS_TICK});
    fixture.snapshot.tick.number = 9;
    fixture.snapshot.decisions[1].loaned_after_bytes = 4096;
    fixture.snapshot.decisions[1].constraint = Constraint::min_mem;
    fixture.tick();
    CHECK(fixture.types(bus) == Types{BALLAST_BUS_GUEST, BALLAST_BUS_DECISION, BALLAST_BUS_TICK});
    CHECK(std::string(fixture.decision.domain.name) == "b");
    CHECK(fixture.decision.loaned_after_bytes == 4096);
    CHECK(std::string(fixture.decision.constraint) == "min_mem");
    CHECK(fixture.decision.tick == 9);
    CHECK(fixture.record.payload.tick.loaned_bytes == 4096);
    // Other domains: all is told anew.
    fixture.snapshot.names = std::make_shared<DomainNames>(*fixture.snapshot.names);
    fixture.tick();
    CHECK(fixture.types(bus).size() == 5);
}

TEST_CASE("what a guest caches and waits for, and the host's memory, are told as well") {
    FeedFixture fixture;
    REQUIRE(fixture.feed.attach(fixture.settings));
    Bus bus(fixture.settings.path);
    fixture.domains.resize(1);  // of the other row nothing is known
    fixture.domains.cache_bytes[0] = 4096;
    fixture.domains.major_faults[0] = 7;
    fixture.controls.resize(1);
    fixture.controls[0].shares = 2000;
    fixture.beside.controls = fixture.controls;
    fixture.snapshot.host.total_bytes = 1 << 30;
    fixture.snapshot.host.memory_stall_us = 5;
    fixture.tick();
    ballast_bus_record record;
    REQUIRE(bus.next(record, 0) == BALLAST_BUS_RECORD);
    CHECK(record.payload.guest.cache_bytes == 4096);
    CHECK(record.payload.guest.major_faults == 7);
    CHECK(record.payload.guest.shares == 2000);
    REQUIRE(bus.next(record, 0) == BALLAST_BUS_RECORD);
    CHECK(record.payload.guest.cache_bytes == UINT64_MAX);
    CHECK(record.payload.guest.major_faults == UINT64_MAX);
    CHECK(record.payload.guest.shares == UINT64_MAX);
    fixture.types(bus);
    const ballast_bus_tick& tick = fixture.record.payload.tick;
    CHECK(tick.host_total_bytes == 1 << 30);
    CHECK(tick.host_reserve_bytes == 512);
    CHECK(tick.host_stall_ns == 5000);
    // They do not make a record by themselves.
    fixture.domains.major_faults[0] = 8;
    fixture.snapshot.host.memory_stall_us = kUnknownBytes;
    fixture.tick();
    CHECK(fixture.types(bus) == Types{BALLAST_BUS_TICK});
    CHECK(fixture.record.payload.tick.host_stall_ns == UINT64_MAX);
}

TEST_CASE("a guest's figures are told when they change, and all of them once a minute") {
    VirtualClock clock(Time(std::chrono::hours(1)));
    FeedFixture fixture;
    BusFeed feed(clock);
    REQUIRE(feed.attach(fixture.settings));
    Bus bus(fixture.settings.path);
    fixture.snapshot.decisions[1].usable_bytes = 8192;
    feed.tick(fixture.snapshot, fixture.beside);
    fixture.types(bus);
    fixture.snapshot.decisions[0].unused_bytes = 4096;
    feed.tick(fixture.snapshot, fixture.beside);
    ballast_bus_record record;
    REQUIRE(bus.next(record, 0) == BALLAST_BUS_RECORD);
    REQUIRE(record.type == BALLAST_BUS_GUEST);
    CHECK(std::string(record.payload.guest.domain.name) == "a");
    CHECK(record.payload.guest.unused_bytes == 4096);
    CHECK(record.payload.guest.usable_bytes == UINT64_MAX);
    CHECK(fixture.types(bus) == Types{BALLAST_BUS_TICK});
    clock.advance(std::chrono::seconds(59));
    feed.tick(fixture.snapshot, fixture.beside);
    CHECK(fixture.types(bus) == Types{BALLAST_BUS_TICK});
    clock.advance(std::chrono::seconds(1));
    feed.tick(fixture.snapshot, fixture.beside);
    CHECK(fixture.types(bus) == Types{BALLAST_BUS_GUEST, BALLAST_BUS_GUEST, BALLAST_BUS_TICK});
}

TEST_CASE("events and notices are published, at the latest with the next beat") {
    FeedFixture fixture;
    REQUIRE(fixture.feed.attach(fixture.settings));
    Bus bus(fixture.settings.path);
    Event event;
    event.kind = EventKind::oom;
    event.domain = key_from_name("a");
    event.bytes = 123;
    fixture.feed.event(event, "a");
    fixture.feed.notice(BALLAST_BUS_CONFIG, "a setting");
    event.kind = EventKind::backend_lost;
    event.detail = "no route";
    fixture.feed.event(event, "");
    fixture.feed.beat();
    CHECK(fixture.types(bus) == Types{BALLAST_BUS_OOM, BALLAST_BUS_CONFIG, BALLAST_BUS_BACKEND});
    CHECK(std::string(fixture.record.payload.notice.text) == "backend_lost: no route");
}

TEST_CASE("a bus may be attached, moved and let go of while the daemon runs") {
    FeedFixture fixture;
    fixture.tick();  // on none
    REQUIRE(fixture.feed.attach(fixture.settings));
    Bus first(fixture.settings.path);
    REQUIRE(fixture.feed.attach(fixture.settings));  // the same: nothing changes
    fixture.tick();
    CHECK(fixture.types(first).size() == 5);

    BusSettings larger = fixture.settings;
    larger.size_kib = 128;
    REQUIRE(fixture.feed.attach(larger));
    fixture.tick();
    ballast_bus_record record;
    CHECK(first.next(record, 0) == BALLAST_BUS_RESTARTED);
    CHECK(fixture.types(first).size() == 5);

    BusSettings none;
    REQUIRE(fixture.feed.attach(none));
    fixture.tick();
    CHECK(first.next(record, 2000) == BALLAST_BUS_WRITER_GONE);

    BusSettings nowhere = fixture.settings;
    nowhere.path = "/no/such/folder/events";
    CHECK_FALSE(fixture.feed.attach(nowhere));
    fixture.tick();
}

TEST_CASE("a bus that another one writes is tried for again, and had once it is free") {
    VirtualClock clock;
    FeedFixture fixture;
    BusFeed feed(clock);
    auto other = *BusWriter::create(fixture.settings.path, {.slot_count = 16}, fixture.clock);
    CHECK_FALSE(feed.attach(fixture.settings));
    CHECK(feed.path().empty());
    feed.beat();
    other.reset();
    feed.beat();  // a second has not passed
    CHECK(feed.path().empty());
    clock.advance(std::chrono::seconds(1));
    feed.beat();
    CHECK(feed.path() == fixture.settings.path);
}

TEST_CASE("a path that cannot be had does not end the bus that is there") {
    FeedFixture fixture;
    REQUIRE(fixture.feed.attach(fixture.settings));
    CHECK_FALSE(fixture.feed.attach({"/no/such/folder/events", 64}));
    CHECK(fixture.feed.path() == fixture.settings.path);
    Bus bus(fixture.settings.path);
    fixture.tick();
    CHECK_FALSE(fixture.types(bus).empty());
    // Nor is it asked for again where the settings are mended.
    REQUIRE(fixture.feed.attach(fixture.settings));
    CHECK(fixture.feed.path() == fixture.settings.path);
}

TEST_CASE("a bus whose file was cut off is made anew") {
    VirtualClock clock;
    FeedFixture fixture;
    BusFeed feed(clock);
    REQUIRE(feed.attach(fixture.settings));
    std::filesystem::resize_file(fixture.settings.path, 0);
    feed.tick(fixture.snapshot, fixture.beside);
    clock.advance(std::chrono::seconds(1));
    feed.beat();
    Bus bus(fixture.settings.path);
    feed.tick(fixture.snapshot, fixture.beside);
    CHECK(fixture.types(bus).size() == 5);  // all is told anew
}

TEST_CASE("a bus whose files were removed or replaced is made anew") {
    VirtualClock clock;
    FeedFixture fixture;
    BusFeed feed(clock);
    REQUIRE(feed.attach(fixture.settings));
    const std::string path = fixture.settings.path;
    const auto follows_again = [&] {
        feed.beat();  // a second has not passed
        clock.advance(std::chrono::seconds(1));
        feed.beat();
        Bus bus(path);
        feed.tick(fixture.snapshot, fixture.beside);
        return fixture.types(bus).size() == 5;  // all is told anew
    };
    for (const char* part : {"", ".wait", ".lock"}) {
        CAPTURE(part);
        REQUIRE(std::filesystem::remove(path + part));
        CHECK(follows_again());
        CHECK(std::filesystem::exists(path + part));
    }
    std::filesystem::rename(path, path + ".moved");
    CHECK(follows_again());
    // With its folder, which comes back later.
    const auto folder = std::filesystem::path(path).parent_path();
    std::filesystem::remove_all(folder);
    clock.advance(std::chrono::seconds(1));
    feed.beat();
    CHECK(feed.path().empty());
    std::filesystem::create_directory(folder);
    CHECK(follows_again());
    // As long as nothing is wrong it stays.
    const auto written = std::filesystem::last_write_time(path + ".writer");
    for (int i = 0; i < 5; ++i) {
        clock.advance(std::chrono::seconds(1));
        feed.beat();
    }
    CHECK(std::filesystem::last_write_time(path + ".writer") == written);
}

TEST_CASE("what happens while there is no bus is not told later, as if it were new") {
    FeedFixture fixture;
    REQUIRE(fixture.feed.attach({}));
    fixture.feed.notice(BALLAST_BUS_CONFIG, "long ago");
    REQUIRE(fixture.feed.attach(fixture.settings));
    Bus bus(fixture.settings.path, BALLAST_BUS_FROM_OLDEST);
    fixture.feed.beat();
    CHECK(fixture.types(bus).empty());
}
