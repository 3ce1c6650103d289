// Users against a remover: as many threads as CPUs get and put, some of them sleep while they hold
// a reference, and the remover takes the code away and brings it back. BALLAST_TORTURE_PAIRS sets
// how many get/put pairs there are at least (default: a short run).
#include <sched.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "base/module_ref.h"
#include "tests/skip.h"

using namespace ballast;

namespace {

// Stands for the code: whole while it is loaded, poisoned while it is not.
constexpr std::uint64_t whole = 0x600DC0DE600DC0DE;
constexpr std::uint64_t poison = 0xDEADC0DEDEADC0DE;

struct Torture {
    explicit Torture(RefScheme scheme) : ref({.scheme = scheme}) {}

    ModuleRef ref;
    std::atomic<std::uint64_t> code{poison};
    std::atomic<std::uint64_t> pairs{0};
    std::atomic<std::uint64_t> used_after_removal{0};
    std::atomic<bool> enough{false};
    std::uint64_t loads = 0;
    std::uint64_t removals = 0;
    std::uint64_t removed_at_once = 0;

    void use(unsigned number) {
        std::uint64_t done = 0;
        for (std::uint64_t turn = number; !enough.load(std::memory_order_relaxed); ++turn) {
            if (!ref.try_get()) {
                sched_yield();
                continue;
            }
            if (code.load(std::memory_order_relaxed) != whole) ++used_after_removal;
            // Some are off the CPU, or come back on another one, between get and put.
            if (turn % 65536 == 0) std::this_thread::sleep_for(std::chrono::microseconds(50));
            if (turn % 1024 == 0) sched_yield();
            if (code.load(std::memory_order_relaxed) != whole) ++used_after_removal;
            ref.put();
            if (++done % 1024 == 0) pairs.fetch_add(1024, std::memory_order_relaxed);
        }
    }

    void load() {
        code = whole;
        ref.open();
        ++loads;
    }

    // At once if nobody is there, else by waiting.
    void remove() {
        if (ref.try_remove().removed()) {
            ++removed_at_once;
        } else if (!ref.shut().removed()) {
            while (!ref.settle().removed()) sched_yield();
        }
        code = poison;
        ++removals;
    }
};

std::uint64_t wanted(const char* variable, std::uint64_t otherwise) {
    const char* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::stoull(text);
}

}  // namespace

TEST_CASE("no user ever meets code that was removed") {
    const RefScheme scheme = GENERATE(RefScheme::atomic, RefScheme::percpu, RefScheme::perthread);
    const std::uint64_t pairs = wanted("BALLAST_TORTURE_PAIRS", 300'000);
    const std::uint64_t removals = wanted("BALLAST_TORTURE_REMOVALS", 300);
    Torture torture(scheme);
    if (torture.ref.scheme() != scheme)
        return skip(std::string("scheme not on this machine or in this build: ") +
                    std::string(to_string(scheme)));
    torture.load();
    std::vector<std::thread> users;
    const unsigned threads = std::max(2U, std::thread::hardware_concurrency());
    for (unsigned i = 0; i < threads; ++i) users.emplace_back([&, i] { torture.use(i); });
    while (torture.removals < removals || torture.pairs < pairs) {
        torture.remove();
        sched_yield();
        torture.load();
        // The code serves for a while, else nobody gets it at all.
        const std::uint64_t before = torture.pairs;
        while (torture.pairs < before + pairs / removals / 2) sched_yield();
    }
    torture.enough = true;
    for (std::thread& user : users) user.join();

    CHECK(torture.used_after_removal == 0);
    CHECK(torture.ref.users() == 0);
    CHECK(torture.loads == torture.removals + 1);
    CHECK(torture.ref.faults().underflows == 0);
    CHECK(torture.ref.try_remove().removed());
    WARN(to_string(scheme) << ": " << torture.pairs << " get/put pairs, " << torture.removals
                           << " removals, " << torture.removed_at_once << " of them at once");
}
