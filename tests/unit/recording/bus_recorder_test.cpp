#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstddef>

#include "tests/unit/recording/recording_fixture.h"

using namespace ballast;
using namespace ballast::test;
using Catch::Matchers::Contains;

namespace {

ballast_bus_record tick(std::uint64_t number) {
    ballast_bus_tick payload{};
    payload.tick = number;
    payload.host_available_bytes = UINT64_MAX;
    return record_of(BALLAST_BUS_TICK, payload, static_cast<std::int64_t>(number));
}

ballast_bus_record guest(const char* name, std::uint64_t unused_bytes) {
    ballast_bus_guest payload{};
    payload.domain.uuid[0] = 7;
    std::strcpy(payload.domain.name, name);
    payload.total_bytes = 1 << 30;
    payload.unused_bytes = unused_bytes;
    payload.usable_bytes = UINT64_MAX;
    return record_of(BALLAST_BUS_GUEST, payload, 5);
}

}  // namespace

TEST_CASE("each kind of record is in the table of its kind") {
    RecordingFixture fixture;
    auto recorder = fixture.recorder();
    ballast_bus_decision decision{};
    std::strcpy(decision.domain.name, "db-1");
    decision.request_bytes = -4096;
    std::strcpy(decision.constraint, "min_mem");
    ballast_bus_domain_event oom{};
    std::strcpy(oom.domain.name, "db-1");
    std::strcpy(oom.what, "oom");
    oom.bytes = 8192;
    const ballast_bus_notice notice{"a setting"};
    for (const ballast_bus_record& record :
         {tick(1), guest("db-1", 4096), record_of(BALLAST_BUS_DECISION, decision, 6),
          record_of(BALLAST_BUS_OOM, oom, 7), record_of(BALLAST_BUS_CONFIG, notice, 8)})
        REQUIRE(recorder->add(record));
    REQUIRE(recorder->commit());
    CHECK(recorder->records() == 5);
    // While it is still being written.
    CHECK(fixture.number("SELECT tick FROM ticks") == 1);
    CHECK(fixture.number("SELECT wall - at FROM ticks") == 1'000'000);
    CHECK(fixture.number("SELECT host_available IS NULL FROM ticks") == 1);
    CHECK(fixture.number("SELECT unused FROM guests JOIN domains ON domain = id "
                         "WHERE name = 'db-1' AND hex(uuid) LIKE '07%'") == 4096);
    CHECK(fixture.number("SELECT usable IS NULL FROM guests") == 1);
    CHECK(fixture.number("SELECT request FROM decisions WHERE constraint_name = 'min_mem'") ==
          -4096);
    CHECK(fixture.number("SELECT bytes FROM events WHERE type = 'oom' AND at = 7") == 8192);
    CHECK(fixture.number(
              "SELECT count(*) FROM events WHERE what = 'a setting' AND domain IS NULL") == 1);
    CHECK(fixture.number("SELECT count(*) FROM about WHERE value = '/run/events'") == 1);
}

TEST_CASE("what was lost is in the recording, and what is not known is left out") {
    RecordingFixture fixture;
    auto recorder = fixture.recorder();
    ballast_bus_record late = tick(9);
    late.lost = 17;
    REQUIRE(recorder->add(late));
    ballast_bus_record strange = tick(10);
    strange.type = 999;
    REQUIRE(recorder->add(strange));
    ballast_bus_record short_one = tick(11);
    short_one.size = 8;
    REQUIRE(recorder->add(short_one));
    REQUIRE(recorder->commit());
    CHECK(recorder->lost() == 17);
    CHECK(recorder->records() == 1);
    CHECK(fixture.number("SELECT records FROM losses") == 17);
    CHECK(fixture.number("SELECT count(*) FROM ticks") == 1);
}

TEST_CASE("what an older daemon does not tell is not known") {
    RecordingFixture fixture;
    auto recorder = fixture.recorder();
    ballast_bus_record old_tick = tick(1);
    old_tick.size = offsetof(ballast_bus_tick, host_total_bytes);
    ballast_bus_record old_guest = guest("db-1", 4096);
    old_guest.size = offsetof(ballast_bus_guest, cache_bytes);
    for (const ballast_bus_record& record : {old_tick, old_guest, tick(2), guest("db-1", 8192)})
        REQUIRE(recorder->add(record));
    REQUIRE(recorder->commit());
    CHECK(recorder->records() == 4);
    CHECK(fixture.number("SELECT count(*) FROM ticks WHERE host_total IS NULL AND host_reserve IS "
                         "NULL AND host_stall IS NULL AND tick = 1") == 1);
    CHECK(fixture.number(
              "SELECT host_total + host_reserve + host_stall FROM ticks WHERE tick = 2") == 0);
    CHECK(fixture.number("SELECT count(*) FROM guests WHERE cache IS NULL AND major_faults IS NULL "
                         "AND shares IS NULL "
                         "AND unused = 4096") == 1);
    CHECK(fixture.number("SELECT cache + major_faults FROM guests WHERE unused = 8192") == 0);
}

TEST_CASE("a recording keeps to its size, and keeps the newest") {
    RecordingFixture fixture;
    auto recorder = fixture.recorder(BusRecorder::least_bytes);
    constexpr std::uint64_t many = 200'000;
    ballast_bus_notice notice{"rare"};
    for (std::uint64_t i = 0; i < many; ++i) {
        REQUIRE(recorder->add(tick(i)));
        if (i % 50'000 == 49'999)
            REQUIRE(
                recorder->add(record_of(BALLAST_BUS_CONFIG, notice, static_cast<std::int64_t>(i))));
    }
    REQUIRE(recorder->finish());
    CHECK(recorder->records() == many + 4);
    CHECK(recorder->bytes() <= BusRecorder::least_bytes);
    // What is rare is kept for as long as everything else.
    CHECK(fixture.number("SELECT count(*) FROM events") ==
          fixture.number("SELECT (200000 - 1 - min(tick)) / 50000 + 1 FROM ticks WHERE tick > "
                         "(SELECT min(tick) FROM ticks)"));
    CHECK(fixture.number("SELECT max(tick) FROM ticks") == many - 1);
    const std::int64_t first = fixture.number("SELECT min(tick) FROM ticks");
    CHECK(first > 0);
    CHECK(fixture.number("SELECT count(*) FROM ticks") == static_cast<std::int64_t>(many) - first);
}

TEST_CASE("what was committed survives a kill") {
    RecordingFixture fixture;
    const pid_t child = fork();
    if (child == 0) {
        auto recorder = fixture.recorder();
        static_cast<void>(recorder->add(tick(1)));
        static_cast<void>(recorder->commit());
        static_cast<void>(recorder->add(tick(2)));
        ::kill(getpid(), SIGKILL);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    CHECK(fixture.number("SELECT count(*) FROM ticks") == 1);
}

TEST_CASE("a recording never overwrites a file, and says where it cannot be made") {
    RecordingFixture fixture;
    static_cast<void>(fixture.recorder());
    const auto again = BusRecorder::create(fixture.path, "x", {});
    REQUIRE_FALSE(again);
    CHECK_THAT(again.error().message(), Contains("is there already"));
    const auto nowhere = BusRecorder::create(fixture.folder.path("no/such/file"), "x", {});
    REQUIRE_FALSE(nowhere);
    CHECK_THAT(nowhere.error().message(), Contains("no/such/file: cannot be made (No such file"));
    const auto small = BusRecorder::create(fixture.folder.path("small"), "x", {.max_bytes = 1000});
    REQUIRE_FALSE(small);
    CHECK_THAT(small.error().message(), Contains("too small, expected 4 MiB or more"));
}

TEST_CASE("a disk that is full is an error, and what was committed stays") {
    RecordingFixture fixture;
    const pid_t child = fork();
    if (child == 0) {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit most{1 << 20, 1 << 20};
        setrlimit(RLIMIT_FSIZE, &most);
        auto recorder = fixture.recorder();
        for (std::uint64_t i = 0; i < 100'000; ++i)
            if (!recorder->add(tick(i)) || (i % 1000 == 999 && !recorder->commit())) _exit(7);
        _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == 7);
    CHECK(fixture.number("SELECT count(*) FROM ticks") > 0);
}
