// Every scheme of the table, and the loop that they share.
#include <set>
#include <thread>

#include "probe/rw_semaphore.h"
#include "probe/scheme_of.h"
#include "probe/schemes/asymmetric.h"
#include "probe/schemes/values.h"
#include "probe_fixture.h"
#include "tests/skip.h"

using namespace ballast;
using namespace ballast::probe;
using namespace ballast::probe::test;

namespace {

struct Counts {
    std::uint64_t locks = 0;
    std::uint64_t unlocks = 0;
    std::uint64_t pauses = 0;
};

struct CountingLock {
    explicit CountingLock(Counts& into) : counts(into) {}
    std::uint64_t lock(unsigned) const { return ++counts.locks; }
    void unlock(unsigned, std::uint64_t token) const {
        if (token == counts.locks) ++counts.unlocks;
    }
    void pause(unsigned) const { ++counts.pauses; }
    Counts& counts;
};

}  // namespace

TEST_CASE("the shared loop locks and unlocks exactly as often as asked, delayed or not") {
    Counts counts;
    SchemeOf<CountingLock> scheme(counts);
    scheme.read_section(0, 1000);
    CHECK(counts.locks == 1000);  // the kernel's runs 1001 times and divides by 1000
    CHECK(counts.unlocks == 1000);
    CHECK(counts.pauses == 1);
    const SystemClock clock;
    scheme.delay_section(0, 10, ReadDelay(clock, Duration(1)));
    CHECK(counts.locks == 1010);
    CHECK(counts.unlocks == 1010);
    CHECK_FALSE(scheme.has_update());
}

TEST_CASE("the table has the kernel's schemes and ours, each once") {
    std::set<std::string_view> names;
    for (const ScaleType& type : scale_types()) CHECK(names.insert(type.name).second);
    for (const char* const name :
         {"rcu",     "srcu",         "rcu-tasks",  "rcu-trace",  "refcnt",
          "rwlock",  "rwsem",        "empty",      "rcu-qsbr",   "rcu-mb",
          "rcu-bp",  "srcu-fast",    "percpu-ref", "atomic-ref", "hazptr",
          "seqlock", "shared_mutex", "lock",       "shared_ptr", "atomic_shared_ptr",
          "clock",   "snapshot"}) {
        CAPTURE(name);
        CHECK(find_scale_type(name) != nullptr);
    }
    CHECK(find_scale_type("no-such") == nullptr);
}

TEST_CASE("every scheme is read by two at once, delayed or not, and updated meanwhile") {
    const auto team = two_readers();
    const SystemClock clock;
    for (const ScaleType& type : scale_types()) {
        CAPTURE(type.name);
        auto made = type.make(clock);
        if (!made) {
            CHECK(made.error().code == Errc::unsupported);
            continue;
        }
        Scheme& scheme = **made;
        CHECK(scheme.has_update() == !type.update.empty());
        const Experiment experiment = run_experiment(*team, scheme, 2, {.loops = 200}, clock);
        CHECK(experiment.verdict != Verdict::overdue);
        run_experiment(*team, scheme, 2, {.loops = 3, .read_delay = Duration(100)}, clock);
        if (!scheme.has_update()) continue;
        const Update update =
            measure_update(*team, scheme, 3, std::chrono::minutes(1), clock, Duration(0));
        CHECK(update.cpu_time > Duration(0));
        CHECK((update.verdict == Verdict::clean) == (update.ns > 0));
    }
}

TEST_CASE("a reader-writer semaphore lets readers in together, and a writer alone") {
    RwSemaphore semaphore;
    std::atomic<int> readers{0};
    std::atomic<int> wrong{0};
    int guarded = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] {
            for (int turn = 0; turn < 3000; ++turn) {
                semaphore.lock_shared();
                ++readers;
                if (guarded % 2 != 0) ++wrong;
                --readers;
                semaphore.unlock_shared();
            }
        });
    for (int i = 0; i < 2; ++i)
        threads.emplace_back([&] {
            for (int turn = 0; turn < 1000; ++turn) {
                semaphore.lock();
                ++guarded;
                if (readers != 0) ++wrong;
                ++guarded;
                semaphore.unlock();
            }
        });
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK(guarded == 4000);
    semaphore.lock_shared();
    semaphore.lock_shared();
    semaphore.unlock_shared();
    semaphore.unlock_shared();
    semaphore.lock();
    semaphore.unlock();
}

namespace {

// Whether `updater` is still at it when it has had all the time to end.
template <class Update, class Leave>
bool waits(Update&& update, Leave&& leave) {
    std::atomic<bool> begun{false};
    std::atomic<bool> done{false};
    std::thread updater([&] {
        begun = true;
        update();
        done = true;
    });
    while (!begun) std::this_thread::yield();
    for (int i = 0; i < 1000 && !done; ++i) std::this_thread::yield();
    const bool waited = !done;
    leave();
    updater.join();
    return waited;
}

}  // namespace

TEST_CASE("a trace reader is waited for until it leaves, nested or not") {
    if (!TasksTrace::supported()) return skip("needs membarrier");
    TasksTrace scheme;
    scheme.update();  // nobody inside: at once
    scheme.lock(0);
    scheme.lock(0);
    scheme.unlock(0, {});
    CHECK(waits([&] { scheme.update(); }, [&] { scheme.unlock(0, {}); }));
    scheme.lock(0);
    CHECK(waits([&] { scheme.update(); }, [&] { scheme.unlock(0, {}); }));
    CHECK_FALSE(waits([&] { scheme.update(); }, [] {}));
}

TEST_CASE("a hazard pointer keeps what its reader reads from being freed") {
    if (!HazardPointers::supported()) return skip("needs membarrier");
    HazardPointers scheme;
    const std::uint64_t* const held = scheme.lock(0);
    CHECK(waits([&] { scheme.update(); },
                [&] {
                    CHECK(*held == 0);  // under the address sanitizer, freed memory would show
                    scheme.unlock(0, held);
                }));
    CHECK_FALSE(waits([&] { scheme.update(); }, [] {}));
}
