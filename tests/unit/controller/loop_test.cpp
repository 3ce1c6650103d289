#include "controller/loop.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

// A loop on the machine's clock; these tests wait for it, never for time.
struct RunningLoop {
    RunningLoop() {
        settings.cmm.delay = 10ms;
        backend.add("g1", kGiB);
        controller = std::make_unique<Controller>(settings, backend, clock);
        loop = std::make_unique<Loop>(*controller, backend, clock);
        thread = std::thread([this] {
            loop->run({[this] { ++ticks; }, [this] { ++beats; }, 5ms});
        });
    }
    ~RunningLoop() {
        loop->stop();
        if (thread.joinable()) thread.join();
    }
    Settings settings = fixed_settings(1024);
    SystemClock clock;
    FakeBackend backend;
    std::unique_ptr<Controller> controller;
    std::unique_ptr<Loop> loop;
    std::atomic<int> ticks{0};
    std::atomic<int> beats{0};
    std::thread thread;
};

}  // namespace

TEST_CASE("a command runs on the loop's thread and is waited for") {
    RunningLoop running;
    std::thread::id ran_on;
    REQUIRE(running.loop->call([&](Controller&) { ran_on = std::this_thread::get_id(); }, 10s));
    CHECK(ran_on == running.thread.get_id());
}

TEST_CASE("the loop ticks and beats until it is stopped, and refuses commands then") {
    RunningLoop running;
    while (running.ticks < 3 || running.beats < 3) std::this_thread::yield();
    running.loop->stop();
    running.thread.join();
    const auto refused = running.loop->call([](Controller&) {}, 10s);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::unavailable);
}

// What happens on other threads is checked on this one: Catch's assertions are not thread-safe.

TEST_CASE("a command that the loop has no time for is never run, and says so") {
    RunningLoop running;
    std::atomic<bool> go_on{false};
    std::atomic<bool> blocked{false};
    bool done = false;
    std::thread blocker([&] {
        done = running.loop
                   ->call(
                       [&](Controller&) {
                           blocked = true;
                           while (!go_on) std::this_thread::yield();
                       },
                       10s)
                   .has_value();
    });
    while (!blocked) std::this_thread::yield();
    std::atomic<bool> ran{false};
    const auto late = running.loop->call([&](Controller&) { ran = true; }, 1ms);
    REQUIRE_FALSE(late);
    CHECK(late.error().code == Errc::busy);
    go_on = true;
    blocker.join();
    CHECK(done);
    REQUIRE(running.loop->call([](Controller&) {}, 10s));
    CHECK_FALSE(ran);
}

TEST_CASE("a command that takes too long answers timed_out, goes on and still owns its data") {
    RunningLoop running;
    std::atomic<bool> go_on{false};
    std::atomic<int> found{0};
    auto owned = std::make_shared<int>(7);
    const std::weak_ptr<int> watched = owned;
    Errc code = Errc::busy;
    std::thread caller([&, owned = std::move(owned)]() mutable {
        while (code == Errc::busy) {  // it had not begun
            const auto late = running.loop->call(
                [owned, &go_on, &found](Controller&) {
                    while (!go_on) std::this_thread::yield();
                    found = *owned;
                },
                5ms);
            if (late) return;
            code = late.error().code;
        }
        owned.reset();
    });
    caller.join();
    CHECK(code == Errc::timed_out);
    CHECK(found == 0);
    go_on = true;
    while (!watched.expired()) std::this_thread::yield();
    CHECK(found == 7);
}

TEST_CASE("a shorter delay counts from the last tick, not from the next") {
    RunningLoop running;
    REQUIRE(running.loop->call(
        [](Controller& controller) {
            static_cast<void>(controller.set_attribute("", "delay", "3600"));
        },
        10s));
    REQUIRE(running.loop->call([](Controller&) {}, 10s));
    const int before = running.ticks;
    REQUIRE(running.loop->call(
        [](Controller& controller) {
            static_cast<void>(controller.set_attribute("", "delay", "1"));
        },
        10s));
    while (running.ticks == before) std::this_thread::yield();  // not for an hour
}
