// The writer is killed at every store in turn, readers are killed and stopped: nobody is held up
// and nobody sees half a record.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>

#include "bus_fixture.h"

using namespace ballast;
using namespace ballast::test;

namespace {

// Ends the process, as SIGKILL does, after so many stores.
struct Killer {
    static inline int left = 0;
    static void after_store() noexcept {
        if (--left == 0) raise(SIGKILL);
    }
};

// Publishes records, each in a batch of its own, for as long as it lives.
[[noreturn]] void write_until_killed(const BusFixture& fixture, int stores, int records) {
    auto file = BusFile::create(fixture.path, {.slot_count = 16}, fixture.clock);
    if (!file) _exit(1);
    Ring<Killer> ring((*file)->header(), (*file)->slots(), (*file)->slot_count());
    Killer::left = stores;
    for (int i = 0; i < records; ++i) {
        const Numbers numbers = record_of(ring.position());
        ring.publish(BALLAST_BUS_TICK, 1, {}, std::as_bytes(std::span(numbers)));
        ring.publish_head();
        ring.change_word();
    }
    _exit(0);
}

bool is_whole(const ballast_bus_record& record) {
    const Numbers expected = record_of(record.position);
    return record.size == sizeof(expected) &&
           std::memcmp(record.payload.bytes, expected.data(), sizeof(expected)) == 0;
}

}  // namespace

TEST_CASE("wherever the writer is killed, readers see whole records only, and the next writer") {
    const BusFixture fixture;
    constexpr int records = 20;  // past the ring's end
    int killed = 0;
    for (int stores = 1;; ++stores) {
        const pid_t child = fork();
        if (child == 0) write_until_killed(fixture, stores, records);
        const int status = wait_for_child(child);
        CAPTURE(stores);
        Bus bus(fixture.path, BALLAST_BUS_FROM_OLDEST);
        ballast_bus_record record;
        std::uint64_t expected = bus.lost();
        while (bus.next(record, 0) == BALLAST_BUS_RECORD) {
            REQUIRE(is_whole(record));
            expected = record.position + 1;
        }
        CHECK(expected <= records);
        if (WIFEXITED(status)) {
            CHECK(WEXITSTATUS(status) == 0);
            CHECK(expected == records);
            break;
        }
        REQUIRE(WTERMSIG(status) == SIGKILL);
        ++killed;
        // The lock went with its holder.
        const auto next = fixture.writer();
        publish_number(*next, 77);
        next->commit();
        REQUIRE(bus.next(record, 1000) == BALLAST_BUS_RESTARTED);
        REQUIRE(bus.next(record, 0) == BALLAST_BUS_RECORD);
        CHECK(record.payload.tick.tick == 77);
    }
    // 13 stores for each record of 64 bytes, and two for its batch.
    CHECK(killed >= 13 * records);
}

TEST_CASE("readers that are killed or stopped anywhere do not hold the writer up") {
    const BusFixture fixture;
    const auto writer = fixture.writer(64);
    std::array<pid_t, 4> readers{};
    for (pid_t& reader : readers) {
        reader = fork();
        if (reader != 0) continue;
        ballast_bus* bus = nullptr;
        if (ballast_bus_open(&bus, fixture.path.c_str(), 0) != 0) _exit(1);
        ballast_bus_record record;
        for (;;) ballast_bus_next(bus, &record, -1);
    }
    std::uint64_t number = 0;
    for (const int signal : {SIGSTOP, SIGKILL, SIGSTOP, SIGKILL}) {
        for (int i = 0; i < 5000; ++i) {
            publish_number(*writer, number++);
            writer->commit();
        }
        kill(readers[static_cast<std::size_t>(number / 5000 - 1)], signal);
    }
    for (const pid_t reader : readers) {
        kill(reader, SIGKILL);
        wait_for_child(reader);
    }
    Bus bus(fixture.path, BALLAST_BUS_FROM_OLDEST);
    ballast_bus_record record;
    std::uint64_t last = 0;
    while (bus.next(record, 0) == BALLAST_BUS_RECORD) last = record.payload.tick.tick;
    CHECK(last == number - 1);
}

TEST_CASE("a reader in another process never sees half a record, and counts what it lost") {
    const BusFixture fixture;
    const char* const asked = std::getenv("BALLAST_BUS_RECORDS");
    const std::uint64_t count = asked == nullptr ? 300'000 : std::stoull(asked);
    auto file = BusFile::create(fixture.path, {.slot_count = 256}, fixture.clock);
    REQUIRE(file);
    struct Seen {
        std::uint64_t received = 0, lost = 0, torn = 0, wrong_size = 0;
        bool opened = false;
    };
    void* const shared =
        mmap(nullptr, sizeof(Seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(shared != MAP_FAILED);
    Seen& seen = *new (shared) Seen;
    const pid_t child = fork();
    if (child == 0) {
        ballast_bus* bus = nullptr;
        if (ballast_bus_open(&bus, fixture.path.c_str(), 0) != 0) _exit(1);
        std::atomic_ref(seen.opened).store(true);
        ballast_bus_record record;
        while (seen.received + seen.lost < count) {
            if (ballast_bus_next(bus, &record, 100) != BALLAST_BUS_RECORD) continue;
            seen.lost += record.lost;
            ++seen.received;
            if (!is_whole(record)) ++seen.torn;
        }
        _exit(0);
    }
    while (!std::atomic_ref(seen.opened).load()) usleep(100);
    Ring<> ring((*file)->header(), (*file)->slots(), (*file)->slot_count());
    for (std::uint64_t i = 0; i < count; ++i) {
        const Numbers numbers = record_of(i);
        ring.publish(BALLAST_BUS_TICK, 1, {}, std::as_bytes(std::span(numbers)));
        if (i % 16 != 0 && i + 1 != count) continue;
        ring.publish_head();
        const bool waited_for = (*file)->is_waited_for();
        ring.change_word();
        if (waited_for) (*file)->wake();
    }
    CHECK(wait_for_child(child) == 0);
    WARN(count << " published, " << seen.received << " received, " << seen.lost << " lost, "
               << seen.torn << " torn");
    CHECK(seen.torn == 0);
    CHECK(seen.received + seen.lost == count);
    munmap(shared, sizeof(Seen));
}
