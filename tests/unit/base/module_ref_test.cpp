#include "base/module_ref.h"
#include "tests/skip.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

using namespace ballast;
using Outcome = Removal::Outcome;

namespace {

// Those of this machine and build; the others count as skipped.
std::vector<RefScheme> schemes() {
    std::vector<RefScheme> all{RefScheme::atomic, RefScheme::percpu, RefScheme::perthread};
    std::erase_if(all, [](RefScheme scheme) {
        const bool missing = ModuleRef({.scheme = scheme}).scheme() != scheme;
        if (missing) skip("no scheme " + std::string(to_string(scheme)) + " here");
        return missing;
    });
    return all;
}

}  // namespace

TEST_CASE("a reference count that was never opened refuses users") {
    ModuleRef ref({.scheme = GENERATE(from_range(schemes()))});
    CHECK_FALSE(ref.try_get());
    CHECK(ref.users() == 0);
}

TEST_CASE("users are counted and uncounted") {
    ModuleRef ref({.scheme = GENERATE(from_range(schemes()))});
    ref.open();
    REQUIRE(ref.try_get());
    REQUIRE(ref.try_get());
    CHECK(ref.users() == 2);
    ref.put();
    CHECK(ref.users() == 1);
    ref.put();
    CHECK(ref.users() == 0);
}

TEST_CASE("removal is refused while somebody uses the module, which stays open") {
    ModuleRef ref({.scheme = GENERATE(from_range(schemes()))});
    ref.open();
    REQUIRE(ref.try_get());
    const Removal refused = ref.try_remove();
    CHECK(refused.outcome == Outcome::in_use);
    CHECK(refused.users == 1);
    REQUIRE(ref.try_get());
    ref.put();
    ref.put();
    CHECK(ref.try_remove().removed());
    CHECK(ref.gone());
}

TEST_CASE("what is gone is never got again, and a second removal changes nothing") {
    ModuleRef ref({.scheme = GENERATE(from_range(schemes()))});
    ref.open();
    REQUIRE(ref.try_remove().removed());
    CHECK_FALSE(ref.try_get());
    CHECK(ref.faults().gets_after_gone == 1);
    CHECK(ref.try_remove().removed());
    CHECK(ref.shut().removed());
    CHECK(ref.settle().removed());
    CHECK(ref.users() == 0);
}

TEST_CASE("a shut count refuses new users and is gone when the last one has left") {
    int told = 0;
    ModuleRef ref({.scheme = GENERATE(from_range(schemes())), .on_unused = [&] { ++told; }});
    ref.open();
    REQUIRE(ref.try_get());
    REQUIRE(ref.try_get());
    const Removal waiting = ref.shut();
    CHECK(waiting.outcome == Outcome::in_use);
    CHECK(waiting.users == 2);
    CHECK_FALSE(ref.try_get());
    ref.put();
    CHECK(told == 0);
    CHECK(ref.settle().users == 1);
    ref.put();
    CHECK(told == 1);
    CHECK(ref.settle().removed());
}

TEST_CASE("a removal that waits may be called off") {
    ModuleRef ref({.scheme = GENERATE(from_range(schemes()))});
    ref.open();
    REQUIRE(ref.try_get());
    REQUIRE_FALSE(ref.shut().removed());
    ref.open();
    REQUIRE(ref.try_get());
    CHECK(ref.settle().outcome == Outcome::in_use);  // settles what is shut alone
    ref.put();
    ref.put();
    CHECK(ref.settle().outcome == Outcome::in_use);
    CHECK(ref.try_remove().removed());
}

TEST_CASE("an attempt while a removal waits does not let users in again") {
    ModuleRef ref({.scheme = GENERATE(from_range(schemes()))});
    ref.open();
    REQUIRE(ref.try_get());
    REQUIRE_FALSE(ref.shut().removed());
    CHECK(ref.try_remove().users == 1);
    CHECK_FALSE(ref.try_get());
    ref.put();
    CHECK(ref.try_remove().removed());
}

TEST_CASE("new code may move in where the old is gone") {
    ModuleRef ref({.scheme = GENERATE(from_range(schemes()))});
    ref.open();
    REQUIRE(ref.try_remove().removed());
    ref.open();
    REQUIRE(ref.try_get());
    CHECK(ref.users() == 1);
    ref.put();
    CHECK(ref.try_remove().removed());
}

TEST_CASE("a reference given back twice is reported and keeps the code where it is") {
    const RefScheme scheme = GENERATE(from_range(schemes()));
    ModuleRef ref({.scheme = scheme});
    ref.open();
    ref.put();
    const Removal removal = ref.try_remove();
    CHECK(ref.faults().underflows == 1);
    if (ref.scheme() == RefScheme::atomic) {
        CHECK(removal.removed());  // it was seen at once and made up for
    } else {
        CHECK(removal.outcome == Outcome::in_use);
        CHECK(removal.users == -1);
    }
}

TEST_CASE("a reference given back after the code is gone is reported and changes nothing") {
    ModuleRef ref({.scheme = GENERATE(from_range(schemes()))});
    ref.open();
    REQUIRE(ref.try_remove().removed());
    ref.put();
    CHECK(ref.faults().underflows == 1);
    CHECK(ref.users() == 0);
    ref.open();
    REQUIRE(ref.try_get());
    CHECK(ref.users() == 1);
}

TEST_CASE("more users than allowed are refused by the shared count") {
    ModuleRef ref({.scheme = RefScheme::atomic, .max_users = 2});
    ref.open();
    REQUIRE(ref.try_get());
    REQUIRE(ref.try_get());
    CHECK_FALSE(ref.try_get());
    CHECK(ref.faults().overflows == 1);
    CHECK(ref.users() == 2);
}

TEST_CASE("a permanent module counts nothing and is never removed") {
    ModuleRef ref({.scheme = GENERATE(from_range(schemes()))});
    CHECK_FALSE(ref.make_permanent());  // not open
    ref.open();
    REQUIRE(ref.try_get());
    REQUIRE(ref.make_permanent());
    CHECK(ref.permanent());
    const std::int64_t before = ref.users();
    REQUIRE(ref.try_get());
    CHECK(ref.users() == before);
    ref.put();
    ref.put();
    CHECK(ref.try_remove().outcome == Outcome::permanent);
    CHECK(ref.shut().outcome == Outcome::permanent);
    CHECK(ref.settle().outcome == Outcome::permanent);
    CHECK(ref.try_get());
    CHECK(ref.faults().underflows == 0);
}

TEST_CASE("a reference may be given back on another thread than it was taken on") {
    ModuleRef ref({.scheme = GENERATE(from_range(schemes()))});
    ref.open();
    std::thread([&] { REQUIRE(ref.try_get()); }).join();
    CHECK(ref.users() == 1);
    CHECK(ref.try_remove().users == 1);
    std::thread([&] { ref.put(); }).join();
    CHECK(ref.try_remove().removed());
}

TEST_CASE("threads beyond the slots are counted too") {
    ModuleRef ref({.scheme = RefScheme::perthread});
    ref.open();
    // All of them live at once, so that each has a number of its own.
    constexpr int crowd = 300;
    std::atomic<int> inside{0};
    std::atomic<bool> leave{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < crowd; ++i) {
        threads.emplace_back([&] {
            if (ref.try_get()) ++inside;
            inside.notify_one();
            leave.wait(false);
            ref.put();
        });
    }
    for (int seen = inside; seen < crowd; seen = inside) inside.wait(seen);
    CHECK(ref.users() == crowd);
    CHECK(ref.try_remove().users == crowd);
    leave = true;
    leave.notify_all();
    for (std::thread& thread : threads) thread.join();
    CHECK(ref.try_remove().removed());
}

TEST_CASE("a use gives back what it took, once, wherever it was moved to") {
    ModuleRef ref;
    CHECK_FALSE(ModuleUse(ref));
    ref.open();
    {
        ModuleUse first(ref);
        REQUIRE(first);
        ModuleUse second(std::move(first));
        CHECK(ref.users() == 1);
        ModuleUse third;
        third = std::move(second);
        CHECK(third);
        CHECK(ref.users() == 1);
    }
    CHECK(ref.users() == 0);
}
