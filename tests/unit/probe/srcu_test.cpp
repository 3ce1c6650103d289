// Torture of the sleepable RCU: readers that sleep, an updater that poisons what nobody can see any
// more; and the same with each safeguard of the protocol taken away.
#include "probe/srcu.h"

#include <array>
#include <cstdlib>
#include <functional>
#include <string>

#include "probe_fixture.h"
#include "tests/skip.h"

using namespace ballast;
using namespace ballast::probe;

namespace {

constexpr std::uint64_t alive = 0x600d;
constexpr std::uint64_t poison = 0xdead;

struct Found {
    std::uint64_t sections = 0;
    std::uint64_t grace_periods = 0;
    std::uint64_t poisoned = 0;  // sections that saw what was given up
};

// Until `sections` have been read, or something poisoned was.
template <class Rcu>
Found torture(std::uint64_t sections) {
    struct alignas(128) Node {
        std::atomic<std::uint64_t> state{alive};
    };
    const auto rcu = std::make_unique<Rcu>();
    std::array<Node, 2> nodes;
    std::atomic<Node*> current{&nodes[0]};
    std::atomic<std::uint64_t> read{0};
    std::atomic<std::uint64_t> poisoned{0};
    const auto over = [&] { return read.load() >= sections || poisoned.load() > 0; };
    const auto reader = [&](unsigned number) {
        constexpr unsigned batch = 1000;
        unsigned turn = number;
        while (!over()) {
            for (unsigned i = 0; i < batch; ++i, ++turn) {
                const std::uint32_t index = rcu->read_lock();
                const Node& node = *current.load(std::memory_order_relaxed);
                bool good = node.state.load(std::memory_order_relaxed) == alive;
                // Short sections, long ones, and some that sleep.
                if (turn % 61 == 0) std::this_thread::yield();
                if (turn % 4999 == 0) std::this_thread::sleep_for(std::chrono::microseconds(1));
                for (unsigned look = turn % 7 == 0 ? 1000 : 1; look > 0; --look)
                    good = good && node.state.load(std::memory_order_relaxed) == alive;
                rcu->read_unlock(index);
                if (!good) ++poisoned;
            }
            read += batch;
        }
    };
    std::vector<std::thread> readers;
    for (unsigned number = 0; number < 3; ++number) readers.emplace_back(reader, number);
    Found found;
    while (!over()) {
        Node* const old = current.load(std::memory_order_relaxed);
        Node* const next = old == &nodes[0] ? &nodes[1] : &nodes[0];
        next->state.store(alive, std::memory_order_relaxed);
        current.store(next, std::memory_order_release);
        rcu->synchronize();
        old->state.store(poison, std::memory_order_relaxed);
        ++found.grace_periods;
    }
    for (std::thread& thread : readers) thread.join();
    found.sections = read;
    found.poisoned = poisoned;
    return found;
}

// Many more where somebody asks for a long run.
std::uint64_t sections_wanted() {
    const char* const asked = std::getenv("BALLAST_SRCU_SECTIONS");
    return asked == nullptr ? 300'000 : std::stoull(asked);
}
// Within so many a missing safeguard has to show; it does in the first thousands.
constexpr std::uint64_t sections_to_find = 100'000'000;

// What a thread does where it may be held up for any time. Of each thread its own.
thread_local std::function<void()> before_count;
thread_local std::function<void()> amid_sums;

struct Held : SrcuSafeguards {
    static void between_index_and_count() noexcept {
        if (before_count) before_count();
    }
    static void between_sums() noexcept {
        if (amid_sums) amid_sums();
    }
};
struct NoFlip : Held {
    static constexpr bool flips = false;
};
struct NoFirstScan : Held {
    static constexpr bool waits_before_flip = false;
};
struct NoBarrier : Held {
    [[maybe_unused]] static constexpr bool barrier_between_sums = false;
};
struct LocksFirst : Held {
    static constexpr bool unlocks_before_locks = false;
};

void wait_for(const std::atomic<bool>& flag) {
    while (!flag) std::this_thread::yield();
}
bool comes_true_within(Duration patience, const std::atomic<bool>& flag) {
    const SystemClock clock;
    for (const Time end = clock.now() + patience; !flag && clock.now() < end;)
        std::this_thread::yield();
    return flag;
}
// How long is looked for what must not come, and for what has to.
constexpr Duration a_while = std::chrono::milliseconds(20);
constexpr Duration at_last = std::chrono::seconds(20);

// A reader takes an index, is held up for a whole grace period, and only then counts itself under
// it. Whether the next grace period ends while it is inside.
template <class Rcu>
bool ends_under_late_reader(Duration patience) {
    const auto rcu = std::make_unique<Rcu>();
    std::atomic<bool> has_index{false};
    std::atomic<bool> may_count{false};
    std::atomic<bool> inside{false};
    std::atomic<bool> may_leave{false};
    std::thread reader([&] {
        before_count = [&] {
            has_index = true;
            wait_for(may_count);
        };
        const std::uint32_t index = rcu->read_lock();
        before_count = nullptr;
        inside = true;
        wait_for(may_leave);
        rcu->read_unlock(index);
    });
    wait_for(has_index);
    rcu->synchronize();
    may_count = true;
    wait_for(inside);
    std::atomic<bool> ended{false};
    std::thread updater([&] {
        rcu->synchronize();
        ended = true;
    });
    const bool early = comes_true_within(patience, ended);
    may_leave = true;
    updater.join();
    reader.join();
    return early;
}

// One reader is inside; another one, which took the same index, comes and goes while the counts are
// being summed. Whether the grace period ends while the first is inside.
template <class Rcu>
bool ends_when_another_comes_and_goes(Duration patience) {
    const auto rcu = std::make_unique<Rcu>();
    std::atomic<bool> has_index{false};
    std::atomic<bool> may_count{false};
    std::atomic<bool> gone{false};
    std::atomic<bool> ended{false};
    const std::uint32_t first = rcu->read_lock();
    std::thread second([&] {
        before_count = [&] {
            has_index = true;
            wait_for(may_count);
        };
        const std::uint32_t index = rcu->read_lock();
        before_count = nullptr;
        rcu->read_unlock(index);
        gone = true;
    });
    wait_for(has_index);
    std::thread updater([&] {
        int scans = 0;
        amid_sums = [&] {
            if (++scans != 2) return;  // that of the index they took
            may_count = true;
            wait_for(gone);
        };
        rcu->synchronize();
        amid_sums = nullptr;
        ended = true;
    });
    wait_for(gone);
    const bool early = comes_true_within(patience, ended);
    rcu->read_unlock(first);
    updater.join();
    second.join();
    return early;
}

// A reader and an updater begin at the same moment, again and again; the reader's stores have to
// wait for lines that the updater has just written. In how many of `rounds` a grace period ended
// while a reader was inside that had read the old value; stops at the first.
template <class Rcu>
std::uint64_t ends_under_slow_stores(std::uint64_t rounds) {
    struct alignas(128) Line {
        std::atomic<std::uint64_t> value{0};
    };
    const auto rcu = std::make_unique<Rcu>();
    std::array<Line, 48> lines;
    Line ready;
    Line current;
    Line ended;
    std::atomic<std::uint64_t> wrong{0};
    const auto write_lines = [&](std::uint64_t round) {
        for (Line& line : lines) line.value.store(round, std::memory_order_relaxed);
    };
    std::thread reader([&] {
        std::uint64_t round = 0;
        before_count = [&] { write_lines(round); };
        for (round = 1; round <= rounds && wrong == 0; ++round) {
            ready.value.fetch_add(1);
            while (ready.value.load() < 2 * round) {
            }
            const std::uint32_t index = rcu->read_lock();
            const bool old = current.value.load(std::memory_order_relaxed) < round;
            bool early = false;
            for (int looks = 0; old && looks < 5000 && !early; ++looks)
                early = ended.value.load(std::memory_order_relaxed) == round;
            rcu->read_unlock(index);
            if (early) ++wrong;
        }
        before_count = nullptr;
        ready.value.fetch_add(2 * rounds + 2);  // whoever waits for it may go on
    });
    for (std::uint64_t round = 1; round <= rounds && wrong == 0; ++round) {
        write_lines(round);
        ready.value.fetch_add(1);
        while (ready.value.load() < 2 * round) {
        }
        // In every position to the reader.
        for (std::uint64_t spins = round % 64 * 4; spins > 0; --spins)
            std::atomic_signal_fence(std::memory_order_seq_cst);
        current.value.store(round, std::memory_order_relaxed);
        rcu->synchronize();
        ended.value.store(round, std::memory_order_relaxed);
    }
    ready.value.fetch_add(2 * rounds + 2);
    reader.join();
    return wrong;
}

}  // namespace

TEST_CASE("no reader of the fenced kind ever sees what was given up") {
    const Found found = torture<Srcu<>>(sections_wanted());
    WARN(found.sections << " sections, " << found.grace_periods << " grace periods");
    CHECK(found.poisoned == 0);
    CHECK(found.grace_periods > 0);
}

TEST_CASE("no reader of the fast kind ever sees what was given up") {
    using Fast = Srcu<SrcuReaders::fast>;
    if (!Fast::supported()) return skip("needs restartable sequences and membarrier");
    const Found found = torture<Fast>(sections_wanted());
    WARN(found.sections << " sections, " << found.grace_periods << " grace periods");
    CHECK(found.poisoned == 0);
    CHECK(found.grace_periods > 0);
}

TEST_CASE("without the flip of the counters, readers see what was given up") {
    CHECK(torture<Srcu<SrcuReaders::fenced, NoFlip>>(sections_to_find).poisoned > 0);
}

TEST_CASE("a reader that is late to count itself is waited for; without the first scan it is not") {
    CHECK_FALSE(ends_under_late_reader<Srcu<SrcuReaders::fenced, Held>>(a_while));
    CHECK(ends_under_late_reader<Srcu<SrcuReaders::fenced, NoFirstScan>>(at_last));
}

TEST_CASE("a reader that comes and goes hides nobody; with locks summed first it does") {
    CHECK_FALSE(ends_when_another_comes_and_goes<Srcu<SrcuReaders::fenced, Held>>(a_while));
    CHECK(ends_when_another_comes_and_goes<Srcu<SrcuReaders::fenced, LocksFirst>>(at_last));
}

TEST_CASE("a reader whose stores are slow is waited for; without the barrier it is not") {
    if (!Srcu<SrcuReaders::fast>::supported())
        return skip("needs restartable sequences and membarrier");
    if (usable_cpus()->size() < 2) return skip("needs a second CPU");
    CHECK(ends_under_slow_stores<Srcu<SrcuReaders::fast, Held>>(20'000) == 0);
#ifndef BALLAST_ADDRESS_SANITIZER  // whose own work gives the stores all the time they need
    // Where in memory the counters lie decides how soon it shows.
    std::uint64_t wrong = 0;
    for (int elsewhere = 0; elsewhere < 100 && wrong == 0; ++elsewhere)
        wrong = ends_under_slow_stores<Srcu<SrcuReaders::fast, NoBarrier>>(1'000'000);
    CHECK(wrong > 0);
#endif
}

TEST_CASE("readers nest, and may leave on another thread") {
    const auto rcu = std::make_unique<Srcu<>>();
    const std::uint32_t outer = rcu->read_lock();
    const std::uint32_t inner = rcu->read_lock();
    std::atomic<bool> done{false};
    std::thread updater([&] {
        rcu->synchronize();
        done = true;
    });
    rcu->read_unlock(inner);
    CHECK_FALSE(done);
    std::thread([&] { rcu->read_unlock(outer); }).join();
    updater.join();
    CHECK(done);
    rcu->synchronize();  // nobody inside: at once
}
