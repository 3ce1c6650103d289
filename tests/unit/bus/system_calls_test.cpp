// Publishing under a filter that ends whoever makes a system call. Not built with sanitizers, which
// make some of their own.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <csignal>
#include <vector>

#include "bus_fixture.h"

using namespace ballast;
using namespace ballast::test;

namespace {

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
