#include <poll.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "bus/ballast_bus_merge.hpp"
#include "bus_fixture.h"
#include "sim/virtual_clock.h"

using namespace ballast;
using namespace ballast::test;

TEST_CASE("a reader gets what is published after it came, in order") {
    const BusFixture fixture;
    const auto writer = fixture.writer();
    publish_number(*writer, 1);
    writer->commit();
    Bus bus(fixture.path);
    CHECK(bus.path() == fixture.path);
    ballast_bus_record record;
    CHECK(bus.next(record, 0) == BALLAST_BUS_NOTHING);
    publish_number(*writer, 2);
    publish_number(*writer, 3);
    writer->commit();
    REQUIRE(bus.next(record, 0) == BALLAST_BUS_RECORD);
    CHECK(record.type == BALLAST_BUS_TICK);
    CHECK(record.version == 2);
    CHECK(record.size == sizeof(ballast_bus_tick));
    CHECK(record.payload.tick.tick == 2);
    CHECK(record.position == 1);
    CHECK(record.epoch == writer->file().epoch());
    CHECK(record.lost == 0);
    CHECK(record.wall_ns > 0);
    CHECK(record.monotonic_ns > 0);
    REQUIRE(bus.next(record, 0) == BALLAST_BUS_RECORD);
    CHECK(record.payload.tick.tick == 3);
    CHECK(bus.next(record, 0) == BALLAST_BUS_NOTHING);
    CHECK(bus.lost() == 0);
}

TEST_CASE("a reader may begin with the oldest record there is") {
    const BusFixture fixture;
    const auto writer = fixture.writer(16);
    for (std::uint64_t number = 0; number < 5; ++number) publish_number(*writer, number);
    writer->commit();
    ballast_bus_record record;
    Bus early(fixture.path, BALLAST_BUS_FROM_OLDEST);
    REQUIRE(early.next(record, 0) == BALLAST_BUS_RECORD);
    CHECK(record.payload.tick.tick == 0);
    for (std::uint64_t number = 5; number < 40; ++number) publish_number(*writer, number);
    writer->commit();
    Bus late(fixture.path, BALLAST_BUS_FROM_OLDEST);
    REQUIRE(late.next(record, 0) == BALLAST_BUS_RECORD);
    CHECK(record.payload.tick.tick == 25);  // 16 slots, one of which is written next
    CHECK(record.lost == 0);                // nothing that it was promised
}

TEST_CASE("a reader that was overrun knows exactly how many records it lost") {
    const BusFixture fixture;
    const auto writer = fixture.writer(16);
    Bus bus(fixture.path);
    ballast_bus_record record;
    std::uint64_t next = 0;
    std::uint64_t received = 0;
    std::uint64_t lost = 0;
    for (const std::uint64_t burst : {3U, 16U, 17U, 100U, 1U, 40U}) {
        for (std::uint64_t i = 0; i < burst; ++i) publish_number(*writer, next++);
        writer->commit();
        while (bus.next(record, 0) == BALLAST_BUS_RECORD) {
            lost += record.lost;
            CHECK(record.payload.tick.tick == received + lost);
            ++received;
        }
    }
    CHECK(received + lost == next);
    CHECK(lost > 0);
    CHECK(bus.lost() == lost);
}

TEST_CASE("texts are cut at what a record holds, between characters") {
    const BusFixture fixture;
    const auto writer = fixture.writer();
    Bus bus(fixture.path);
    std::string text(BALLAST_BUS_MAX_PAYLOAD - 2, 'x');
    writer->publish_notice(BALLAST_BUS_CONFIG, text + "\xc3\xa9tail");
    writer->publish_notice(BALLAST_BUS_CONFIG, "short");
    writer->commit();
    ballast_bus_record record;
    REQUIRE(bus.next(record, 0) == BALLAST_BUS_RECORD);
    CHECK(record.payload.notice.text == text);
    REQUIRE(bus.next(record, 0) == BALLAST_BUS_RECORD);
    CHECK(std::string(record.payload.notice.text) == "short");
    CHECK(record.size == 6);
    const unsigned char uuid[16] = {1, 2, 3};
    const ballast_bus_domain domain =
        bus_domain(uuid, std::string(78, 'n') + "\xe2\x82\xac" + "more");
    CHECK(domain.name == std::string(78, 'n'));
    CHECK(domain.uuid[2] == 3);
}

TEST_CASE("records of unknown types are handed on, and may be skipped") {
    const BusFixture fixture;
    const auto writer = fixture.writer();
    Bus bus(fixture.path);
    writer->publish(static_cast<ballast_bus_type>(15), std::uint64_t{7});
    writer->commit();
    ballast_bus_record record;
    REQUIRE(bus.next(record, 0) == BALLAST_BUS_RECORD);
    CHECK(record.type == 15);
    CHECK(record.size == 8);
}

TEST_CASE("a reader that waits is woken, and only then does the writer call the kernel") {
    const BusFixture fixture;
    const auto writer = fixture.writer();
    Bus idle(fixture.path);
    ballast_bus_record record;
    for (std::uint64_t number = 0; number < 100; ++number) {
        publish_number(*writer, number);
        writer->commit();
        while (idle.next(record, 0) == BALLAST_BUS_RECORD) {
        }
    }
    CHECK(writer->file().wakes() == 0);
    std::atomic<std::uint64_t> got{0};
    std::thread waiting([&] {
        Bus bus(fixture.path, BALLAST_BUS_FROM_OLDEST);
        ballast_bus_record seen;
        while (got < 1000)
            if (bus.next(seen, -1) == BALLAST_BUS_RECORD) got = seen.payload.tick.tick;
    });
    for (std::uint64_t number = 100; number <= 1000; ++number) {
        publish_number(*writer, number);
        writer->commit();
        if (number % 100 == 0)
            while (got < number) std::this_thread::yield();
    }
    waiting.join();
    // Often at once, by a thread of its own: sooner or later.
    while (writer->file().wakes() == 0) std::this_thread::yield();
    CHECK(writer->file().wakes() <= 901);
}

TEST_CASE("a reader follows to a new writer, without losing what the old one published") {
    const BusFixture fixture;
    auto writer = fixture.writer();
    Bus bus(fixture.path);
    publish_number(*writer, 1);
    writer->commit();
    const std::uint64_t first_epoch = writer->file().epoch();
    writer.reset();
    writer = fixture.writer();
    publish_number(*writer, 2);
    writer->commit();
    ballast_bus_record record;
    REQUIRE(bus.next(record, 0) == BALLAST_BUS_RECORD);
    CHECK(record.payload.tick.tick == 1);
    CHECK(record.epoch == first_epoch);
    // At once: the old file says that it was replaced.
    REQUIRE(bus.next(record, 0) == BALLAST_BUS_RESTARTED);
    REQUIRE(bus.next(record, 0) == BALLAST_BUS_RECORD);
    CHECK(record.payload.tick.tick == 2);
    CHECK(record.epoch == writer->file().epoch());
    CHECK(record.epoch > first_epoch);
    CHECK(record.position == 0);
    CHECK(bus.lost() == 0);
}

TEST_CASE("the writer's end is told once") {
    const BusFixture fixture;
    auto writer = fixture.writer();
    Bus bus(fixture.path);
    ballast_bus_record record;
    publish_number(*writer, 1);
    writer->commit();
    writer.reset();
    REQUIRE(bus.next(record, 0) == BALLAST_BUS_RECORD);
    REQUIRE(bus.next(record, 5000) == BALLAST_BUS_WRITER_GONE);
    CHECK(bus.next(record, 0) == BALLAST_BUS_NOTHING);
}

TEST_CASE("a bus has one writer, who lets go of it at its end") {
    const BusFixture fixture;
    auto first = fixture.writer();
    const auto second = BusWriter::create(fixture.path, {.slot_count = 16}, fixture.clock);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == Errc::busy);
    CHECK(second.error().context.find(fixture.path + ": another process writes") !=
          std::string::npos);
    const std::uint64_t before = first->file().epoch();
    first.reset();
    CHECK(fixture.writer()->file().epoch() > before);
}

TEST_CASE("epochs go on where the bus's file was deleted") {
    const BusFixture fixture;
    const std::uint64_t before = fixture.writer()->file().epoch();
    std::remove(fixture.path.c_str());
    CHECK(fixture.writer()->file().epoch() > before);
    // And differ between paths: an id of one means nothing on the other.
    const BusFixture other;
    CHECK(other.writer()->file().epoch() > before);
}

TEST_CASE("a file that is mapped is never changed in size, but replaced") {
    const BusFixture fixture;
    auto small = fixture.writer(16);
    Bus bus(fixture.path);
    ballast_bus_record record;
    publish_number(*small, 1);
    small->commit();
    small.reset();
    const auto large = fixture.writer(64);
    REQUIRE(bus.next(record, 0) == BALLAST_BUS_RECORD);
    CHECK(bus.next(record, 0) == BALLAST_BUS_RESTARTED);
    for (std::uint64_t number = 0; number < 60; ++number) publish_number(*large, number);
    large->commit();
    for (std::uint64_t number = 0; number < 60; ++number) {
        REQUIRE(bus.next(record, 0) == BALLAST_BUS_RECORD);
        CHECK(record.payload.tick.tick == number);
    }
}

TEST_CASE("the descriptor is readable while there is something to read") {
    const BusFixture fixture;
    const auto writer = fixture.writer();
    Bus bus(fixture.path);
    pollfd waiting{.fd = bus.fd(), .events = POLLIN, .revents = 0};
    CHECK(bus.fd() == waiting.fd);
    ballast_bus_record record;
    for (std::uint64_t number = 1; number <= 20; ++number) {
        publish_number(*writer, number);
        writer->commit();
        bool got = false;
        while (!got) {
            REQUIRE(poll(&waiting, 1, 10'000) == 1);
            while (bus.next(record, 0) == BALLAST_BUS_RECORD)
                got = record.payload.tick.tick == number;
        }
    }
}

TEST_CASE("a reader without the right to ask to be woken looks by itself") {
    const BusFixture fixture;
    const auto writer = fixture.writer();
    std::remove((fixture.path + ".wait").c_str());
    std::atomic<bool> got{false};
    std::thread reader([&] {
        Bus bus(fixture.path, BALLAST_BUS_FROM_OLDEST);
        ballast_bus_record record;
        got = bus.next(record, -1) == BALLAST_BUS_RECORD;
    });
    publish_number(*writer, 1);
    writer->commit();
    reader.join();
    CHECK(got);
    CHECK(writer->file().wakes() == 0);
}

TEST_CASE("several buses are read as one, in the order of time") {
    const BusFixture one;
    const BusFixture other;
    VirtualClock clock(Time(Duration(1000)));
    auto first = *BusWriter::create(one.path, {.slot_count = 64}, clock);
    auto second = *BusWriter::create(other.path, {.slot_count = 64}, clock);
    BusMerge merge({one.path, other.path}, BALLAST_BUS_FROM_OLDEST, std::chrono::hours(1));
    std::vector<std::uint64_t> expected;
    for (std::uint64_t i = 0; i < 40; ++i) {
        clock.advance(Duration(1000));
        BusWriter& writer = (i * 7 % 5) < 2 ? *first : *second;
        publish_number(writer, i);
        writer.commit();
        expected.push_back(i);
    }
    ballast_bus_record record;
    std::vector<std::uint64_t> got;
    std::set<std::size_t> from;
    while (got.size() < expected.size()) {
        const BusMerge::Told told = merge.next(record, 0);
        // What one bus has last waits for what the other may still tell.
        if (told.answer == BALLAST_BUS_NOTHING) break;
        got.push_back(record.payload.tick.tick);
        from.insert(told.bus);
    }
    CHECK(from.size() == 2);
    CHECK(got.size() >= 36);
    CHECK(std::is_sorted(got.begin(), got.end()));
    // Once the other has told something later, the rest comes.
    clock.advance(Duration(1000));
    for (BusWriter* const writer : {first.get(), second.get()}) {
        publish_number(*writer, 99);
        writer->commit();
    }
    for (BusMerge::Told told; (told = merge.next(record, 0)).answer == BALLAST_BUS_RECORD;)
        got.push_back(record.payload.tick.tick);
    CHECK(std::is_sorted(got.begin(), got.end()));
    got.resize(40);
    CHECK(got == expected);
}

TEST_CASE("a bus that is quiet does not hold up another for ever") {
    const BusFixture one;
    const BusFixture quiet;
    const auto first = one.writer();
    const auto second = quiet.writer();
    BusMerge merge({one.path, quiet.path}, 0, std::chrono::milliseconds(20));
    publish_number(*first, 5);
    first->commit();
    ballast_bus_record record;
    const BusMerge::Told told = merge.next(record);
    REQUIRE(told.answer == BALLAST_BUS_RECORD);
    CHECK(told.bus == 0);
    CHECK(record.payload.tick.tick == 5);
    CHECK(merge.next(record, 1).answer == BALLAST_BUS_NOTHING);
}

TEST_CASE("one bus of several that cannot be read is an error that names it") {
    const BusFixture fixture;
    const auto writer = fixture.writer();
    CHECK_THROWS_WITH(BusMerge({fixture.path, "/no/bus"}), Catch::Contains("/no/bus"));
}

TEST_CASE("several readers each see every record while the writer runs ahead of none") {
    const BusFixture fixture;
    const auto writer = fixture.writer(1024);
    constexpr std::uint64_t count = 20'000;
    std::atomic<int> wrong{0};
    std::vector<std::thread> readers;
    std::atomic<int> ready{0};
    for (int i = 0; i < 3; ++i)
        readers.emplace_back([&] {
            Bus bus(fixture.path);
            ++ready;
            std::uint64_t expected = 0;
            ballast_bus_record record;
            while (expected < count) {
                if (bus.next(record, -1) != BALLAST_BUS_RECORD) continue;
                expected += record.lost;
                if (record.payload.tick.tick != expected || record.position != expected) ++wrong;
                ++expected;
            }
            if (expected != count) ++wrong;
        });
    while (ready < 3) std::this_thread::yield();
    for (std::uint64_t number = 0; number < count; ++number) {
        publish_number(*writer, number);
        if (number % 7 == 0) writer->commit();
    }
    writer->commit();
    for (std::thread& reader : readers) reader.join();
    CHECK(wrong == 0);
}
