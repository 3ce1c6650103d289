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

TEST_CASE("a command that the loop cannot run in time answers timed_out and still owns its data") {
    RunningLoop running;
    std::atomic<bool> go_on{false};
    std::atomic<bool> blocked{false};
    // What happens on other threads is checked on this one: Catch's assertions are not thread-safe.
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
    auto owned = std::make_shared<int>(7);
    const std::weak_ptr<int> watched = owned;
    std::atomic<int> found{0};
    const auto late = running.loop->call(
        [owned = std::move(owned), &found](Controller&) { found = *owned; }, 1ms);
    REQUIRE_FALSE(late);
    CHECK(late.error().code == Errc::timed_out);
    go_on = true;
    blocker.join();
    CHECK(done);
    while (!watched.expired()) std::this_thread::yield();
    CHECK(found == 7);
}
