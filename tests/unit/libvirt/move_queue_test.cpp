// Balloons set on other threads, against libvirt's own test driver.
#include "hv_backends/libvirt/move_queue.h"

#include <libvirt/libvirt.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "hv_backends/libvirt/bulk_reader.h"
#include "hv_backends/libvirt/event_subscription.h"
#include "hv_backends/libvirt/event_thread.h"

using namespace ballast;
using namespace std::chrono_literals;

namespace {

constexpr const char* kUri = "test:///default";

struct QueueFixture {
    SystemClock clock;
    std::shared_ptr<EventThread> events = *EventThread::acquire();
    ConnectHandle connection = *open_connection(kUri);
    DomainHandle domain{virDomainLookupByName(connection.get(), "test")};
    WorkerThreads threads;

    unsigned long kept_kib() const {
        virDomainInfo info{};
        REQUIRE(virDomainGetInfo(domain.get(), &info) == 0);
        return info.memory;
    }
    // So many outcomes, as they come.
    std::vector<MoveOutcome> outcomes(MoveQueue& queue, std::size_t count) const {
        std::vector<MoveOutcome> all;
        std::vector<MoveOutcome> some;
        for (int i = 0; i < 10'000 && all.size() < count; ++i) {
            queue.take_outcomes(some);
            all.insert(all.end(), some.begin(), some.end());
            std::this_thread::sleep_for(1ms);
        }
        REQUIRE(all.size() == count);
        return all;
    }
};

}  // namespace

TEST_CASE("a balloon is set by another thread, and the outcome is told") {
    QueueFixture fixture;
    MoveQueue queue(fixture.clock, {.uri = kUri}, fixture.threads);
    const DomainKey key = key_of(fixture.domain.get());
    queue.ask(key, 6 * 1024 * 1024);
    const auto ended = fixture.outcomes(queue, 1);
    CHECK(ended[0].done);
    CHECK(ended[0].domain == key);
    CHECK(fixture.kept_kib() == 6 * 1024 * 1024);
    CHECK(queue.overdue(key) == Duration{0});
}

TEST_CASE("of what is asked while a call runs, the latest is done") {
    QueueFixture fixture;
    MoveQueue queue(fixture.clock, {.uri = kUri}, fixture.threads);
    const DomainKey key = key_of(fixture.domain.get());
    for (std::uint64_t gib = 1; gib < 8; ++gib) queue.ask(key, gib * 1024 * 1024);
    for (int i = 0; i < 10'000 && fixture.kept_kib() != 7 * 1024 * 1024; ++i)
        std::this_thread::sleep_for(1ms);
    CHECK(fixture.kept_kib() == 7 * 1024 * 1024);
}

TEST_CASE("a domain that is not there is told as gone, a server that is not there as an error") {
    QueueFixture fixture;
    MoveQueue queue(fixture.clock, {.uri = kUri}, fixture.threads);
    queue.ask(key_from_name("nobody"), 1024);
    CHECK(fixture.outcomes(queue, 1)[0].gone);
    MoveQueue nowhere(fixture.clock,
                      {.uri = "qemu+unix:///system?socket=/nonexistent/libvirt-sock"},
                      fixture.threads);
    nowhere.ask(key_from_name("nobody"), 1024);
    const auto ended = fixture.outcomes(nowhere, 1);
    CHECK_FALSE(ended[0].gone);
    CHECK(ended[0].constraint == Constraint::backend_error);
    CHECK(ended[0].detail.find("/nonexistent/libvirt-sock") != std::string::npos);
}

TEST_CASE("a thread that hangs is not waited for longer than one is willing to") {
    std::atomic<bool> hangs{true};
    std::atomic<bool> ended{false};
    {
        WorkerThreads threads;
        threads.start([&] {
            while (hangs) std::this_thread::sleep_for(1ms);
            ended = true;
        });
        CHECK_FALSE(threads.join_all(5ms));
    }
    hangs = false;
    while (!ended) std::this_thread::sleep_for(1ms);
}

TEST_CASE("threads that call libvirt end with what they serve") {
    QueueFixture fixture;
    {
        MoveQueue queue(fixture.clock, {.uri = kUri}, fixture.threads);
        queue.ask(key_of(fixture.domain.get()), 5 * 1024 * 1024);
        fixture.outcomes(queue, 1);
        BulkReader reader(kUri, 10s, fixture.threads);
        bool handles_void = true;
        const auto records = reader.read(handles_void);
        REQUIRE(records);
        CHECK(records->count == 1);
        CHECK_FALSE(handles_void);
    }
    CHECK(fixture.threads.join_all(10s));
}
