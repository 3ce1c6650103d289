// The writer is killed at every store in turn, readers are killed and stopped: nobody is held up
// and nobody sees half a record.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <vector>

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

using Numbers = std::array<std::uint64_t, 8>;

Numbers record_of(std::uint64_t position) {
    Numbers numbers;
    numbers.fill(position * 0x9e3779b97f4a7c15);
    return numbers;
}

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

int wait_for_child(pid_t child) {
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    return status;
}

bool is_whole(const ballast_bus_record& record) {
    const Numbers expected = record_of(record.position);
    return record.size == sizeof(expected) &&
           std::memcmp(record.payload.bytes, expected.data(), sizeof(expected)) == 0;
}

// From here on, whatever system call this process makes but its end kills it.
void allow_no_system_calls() {
    const auto number = static_cast<std::uint32_t>(offsetof(seccomp_data, nr));
    std::array<sock_filter, 4> filter{
        sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, number},
        sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_exit_group},
        sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
        sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS},
    };
    const sock_fprog program{filter.size(), filter.data()};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(1);
}

// How a process ends that publishes, under allow_no_system_calls(), to so many readers that have
// the bus open; where they wait, they sleep until they are woken.
int end_of_silent_writer(int readers, bool waiting) {
    const BusFixture fixture;
    auto file = *BusFile::create(fixture.path, {.slot_count = 64}, fixture.clock);
    Ring<> ring(file->header(), file->slots(), file->slot_count());
    std::vector<pid_t> children;
    std::array<int, 2> opened{};
    REQUIRE(pipe(opened.data()) == 0);
    for (int i = 0; i < readers; ++i) {
        children.push_back(fork());
        if (children.back() != 0) continue;
        ballast_bus* bus = nullptr;
        ballast_bus_record record;
        if (ballast_bus_open(&bus, fixture.path.c_str(), 0) != 0) _exit(1);
        ballast_bus_next(bus, &record, 0);
        if (waiting) ballast_bus_next(bus, &record, 1);  // says that it waits
        if (write(opened[1], "x", 1) != 1) _exit(1);
        for (;;) pause();
    }
    for (int i = 0; i < readers; ++i) {
        char byte = 0;
        REQUIRE(read(opened[0], &byte, 1) == 1);
    }
    const pid_t child = fork();
    if (child == 0) {
        allow_no_system_calls();
        for (std::uint64_t i = 0; i < 10'000; ++i) {
            const Numbers numbers = record_of(i);
            const auto now_ns = fixture.clock.now().time_since_epoch().count();
            ring.publish(BALLAST_BUS_TICK, 1, {now_ns, now_ns}, std::as_bytes(std::span(numbers)));
            if (i % 10 != 0) continue;
            ring.publish_head();
            const bool waited_for = file->is_waited_for();
            ring.change_word();
            if (waited_for) file->wake();
        }
        _exit(0);
    }
    const int status = wait_for_child(child);
    for (const pid_t reader : children) {
        kill(reader, SIGKILL);
        wait_for_child(reader);
    }
    for (const int end : opened) close(end);
    return status;
}

}  // namespace

// Sanitizers make system calls of their own.
#ifndef BALLAST_SANITIZED
TEST_CASE("publishing makes no system call, with no reader, one, or a hundred that do not wait") {
    for (const int readers : {0, 1, 100}) {
        CAPTURE(readers);
        const int status = end_of_silent_writer(readers, false);
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == 0);
    }
    // One that waits is woken, and that is one.
    const int status = end_of_silent_writer(1, true);
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGSYS);
}
#endif

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
