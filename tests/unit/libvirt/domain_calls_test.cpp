// Balloons set on other threads, against libvirt's own test driver.
#include "hv_backends/libvirt/domain_calls.h"

#include <libvirt/libvirt.h>

#include <algorithm>
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

struct CallsFixture {
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
    std::vector<CallOutcome> outcomes(DomainCalls& calls, std::size_t count) const {
        std::vector<CallOutcome> all;
        std::vector<CallOutcome> some;
        for (int i = 0; i < 10'000 && all.size() < count; ++i) {
            calls.take_outcomes(some);
            all.insert(all.end(), some.begin(), some.end());
            std::this_thread::sleep_for(1ms);
        }
        REQUIRE(all.size() == count);
        return all;
    }
};

}  // namespace

TEST_CASE("a balloon is set by another thread, and the outcome is told") {
    CallsFixture fixture;
    DomainCalls calls(fixture.clock, {.uri = kUri}, fixture.threads);
    const DomainKey key = key_of(fixture.domain.get());
    calls.set_balloon(key, 6 * 1024 * 1024);
    const auto ended = fixture.outcomes(calls, 1);
    CHECK(ended[0].done);
    CHECK(ended[0].domain == key);
    CHECK(fixture.kept_kib() == 6 * 1024 * 1024);
    CHECK(calls.overdue(key) == Duration{0});
}

TEST_CASE("a domain's facts are read by another thread, and can be waited for") {
    CallsFixture fixture;
    DomainCalls calls(fixture.clock, {.uri = kUri}, fixture.threads);
    const DomainKey key = key_of(fixture.domain.get());
    calls.read_facts(key);
    calls.wait_for_facts(10s);
    std::vector<CallOutcome> ended;
    calls.take_outcomes(ended);
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].kind == CallKind::facts);
    CHECK(ended[0].done);
    CHECK(ended[0].domain == key);
    CHECK(ended[0].facts.maximum_bytes == 8192ULL << 20U);
    calls.wait_for_facts(10s);  // nothing to come
}

TEST_CASE("all that is asked of a domain is done, each in its turn") {
    CallsFixture fixture;
    DomainCalls calls(fixture.clock, {.uri = kUri, .threads = 1}, fixture.threads);
    const DomainKey key = key_of(fixture.domain.get());
    // While the only thread is at this one, the others are asked for.
    calls.read_facts(key_from_name("nobody"));
    calls.keep_books(key, CarriedBooks{1, 2});
    calls.look_for_job(key);
    calls.read_facts(key);
    calls.set_balloon(key, 6 * 1024 * 1024);
    const auto ended = fixture.outcomes(calls, 5);
    CHECK(ended[0].gone);
    std::vector<CallKind> kinds;
    for (std::size_t i = 1; i < ended.size(); ++i) {
        CHECK(ended[i].domain == key);
        kinds.push_back(ended[i].kind);
    }
    std::vector<CallKind> sorted = kinds;
    std::sort(sorted.begin(), sorted.end());
    CHECK(sorted == std::vector<CallKind>{CallKind::balloon, CallKind::facts, CallKind::job,
                                          CallKind::books});
    CHECK(fixture.kept_kib() == 6 * 1024 * 1024);
}

TEST_CASE("of what is asked while a call runs, the latest is done") {
    CallsFixture fixture;
    DomainCalls calls(fixture.clock, {.uri = kUri}, fixture.threads);
    const DomainKey key = key_of(fixture.domain.get());
    for (std::uint64_t gib = 1; gib < 8; ++gib) calls.set_balloon(key, gib * 1024 * 1024);
    for (int i = 0; i < 10'000 && fixture.kept_kib() != 7 * 1024 * 1024; ++i)
        std::this_thread::sleep_for(1ms);
    CHECK(fixture.kept_kib() == 7 * 1024 * 1024);
}

TEST_CASE("a domain that is not there is told as gone, a server that is not there as an error") {
    CallsFixture fixture;
    DomainCalls calls(fixture.clock, {.uri = kUri}, fixture.threads);
    calls.set_balloon(key_from_name("nobody"), 1024);
    CHECK(fixture.outcomes(calls, 1)[0].gone);
    DomainCalls nowhere(fixture.clock,
                        {.uri = "qemu+unix:///system?socket=/nonexistent/libvirt-sock"},
                        fixture.threads);
    nowhere.set_balloon(key_from_name("nobody"), 1024);
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
    CallsFixture fixture;
    {
        DomainCalls calls(fixture.clock, {.uri = kUri}, fixture.threads);
        calls.set_balloon(key_of(fixture.domain.get()), 5 * 1024 * 1024);
        fixture.outcomes(calls, 1);
        BulkReader reader(kUri, 10s, fixture.threads);
        const auto records = reader.read();
        REQUIRE(records);
        CHECK(records->count == 1);
    }
    CHECK(fixture.threads.join_all(10s));
}
