// The backend against libvirt's own test driver, which keeps one domain "test" in this process. It
// has no balloon statistics: what depends on them is tested with real guests (tests/guest).
#include <libvirt/libvirt.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "hv_backends/libvirt/libvirt_backend.h"

using namespace ballast;
using namespace std::chrono_literals;

namespace {

constexpr const char* kUri = "test:///default";

class ManualClock final : public Clock {
  public:
    Time now() const noexcept override { return time; }
    WallTime wall_now() const noexcept override { return {}; }
    Time time{1h};
};

class Collector final : public EventSink {
  public:
    void on_event(const Event& event) noexcept override {
        const std::lock_guard lock(mutex_);
        events_.push_back(event);
        arrived_.notify_all();
    }
    // The next event of that kind; fails the test if none comes.
    Event wait_for(EventKind kind) {
        std::unique_lock lock(mutex_);
        Event found;
        const bool there = arrived_.wait_for(lock, 10s, [&] {
            while (!events_.empty()) {
                found = events_.front();
                events_.pop_front();
                if (found.kind == kind) return true;
            }
            return false;
        });
        INFO(to_string(kind));
        REQUIRE(there);
        return found;
    }
    std::size_t count() {
        const std::lock_guard lock(mutex_);
        return events_.size();
    }

  private:
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::deque<Event> events_;
};

// Another user of the same (in-process) host.
class Operator {
  public:
    Operator() : connection_(virConnectOpen(kUri)) {
        REQUIRE(connection_ != nullptr);
        domain_ = virDomainLookupByName(connection_, "test");
        REQUIRE(domain_ != nullptr);
    }
    ~Operator() {
        virDomainFree(domain_);
        virConnectClose(connection_);
    }
    virDomainPtr domain() { return domain_; }

  private:
    virConnectPtr connection_;
    virDomainPtr domain_ = nullptr;
};

struct Fixture {
    ManualClock clock;
    Collector events;
    std::unique_ptr<Backend> backend = make_libvirt_backend({.uri = kUri}, clock);
    Observation seen;
};

}  // namespace

TEST_CASE("the backend says what libvirt can do") {
    Fixture fixture;
    const Capabilities& capabilities = fixture.backend->capabilities();
    CHECK(capabilities.name == "libvirt");
    CHECK(capabilities.asynchronous);
    CHECK_FALSE(capabilities.reports_oom);
    CHECK_FALSE(capabilities.reports_requests);
}

TEST_CASE("observing lists the running domain") {
    Fixture fixture;
    REQUIRE(fixture.backend->start(fixture.events));
    REQUIRE(fixture.backend->observe(fixture.seen));
    const DomainTable& table = fixture.seen.domains;
    REQUIRE(table.size() == 1);
    CHECK(table.name[0] == "test");
    CHECK(table.page_shift[0] == 12);
    CHECK(table.total_bytes[0] == 8192ULL << 20U);
    CHECK(table.loaned_bytes[0] == 0);
    CHECK(to_string(table.key[0]) == "6695eb01-f6a4-8304-79aa-97f2502e193f");
    CHECK(fixture.seen.at == fixture.clock.time);

    const std::uint64_t membership = table.membership;
    REQUIRE(fixture.backend->observe(fixture.seen));
    CHECK(table.membership == membership);
}

TEST_CASE("a fresh observation object is filled from nothing") {
    Fixture fixture;
    REQUIRE(fixture.backend->start(fixture.events));
    REQUIRE(fixture.backend->observe(fixture.seen));
    Observation other;
    REQUIRE(fixture.backend->observe(other));
    REQUIRE(other.domains.size() == 1);
    CHECK(other.domains.name[0] == "test");
    CHECK(other.domains.membership != fixture.seen.domains.membership);
}

TEST_CASE("pausing and resuming are told as events and as a flag") {
    Fixture fixture;
    REQUIRE(fixture.backend->start(fixture.events));
    REQUIRE(fixture.backend->observe(fixture.seen));
    Operator other;
    REQUIRE(virDomainSuspend(other.domain()) == 0);
    CHECK(fixture.events.wait_for(EventKind::domain_paused).domain == fixture.seen.domains.key[0]);
    REQUIRE(fixture.backend->observe(fixture.seen));
    CHECK(has(fixture.seen.domains.flags[0], DomainFlags::paused));

    REQUIRE(virDomainResume(other.domain()) == 0);
    CHECK(fixture.events.wait_for(EventKind::domain_resumed).at == fixture.clock.time);
    REQUIRE(fixture.backend->observe(fixture.seen));
    CHECK_FALSE(has(fixture.seen.domains.flags[0], DomainFlags::paused));
}

TEST_CASE("a domain that stops leaves the table, and enters it again when it starts") {
    Fixture fixture;
    REQUIRE(fixture.backend->start(fixture.events));
    REQUIRE(fixture.backend->observe(fixture.seen));
    const std::uint64_t before = fixture.seen.domains.membership;
    Operator other;
    REQUIRE(virDomainDestroy(other.domain()) == 0);
    fixture.events.wait_for(EventKind::domain_went);
    REQUIRE(fixture.backend->observe(fixture.seen));
    CHECK(fixture.seen.domains.size() == 0);
    const std::uint64_t without = fixture.seen.domains.membership;
    CHECK(without != before);

    REQUIRE(virDomainCreate(other.domain()) == 0);
    fixture.events.wait_for(EventKind::domain_came);
    REQUIRE(fixture.backend->observe(fixture.seen));
    CHECK(fixture.seen.domains.size() == 1);
    CHECK(fixture.seen.domains.membership != without);
}

TEST_CASE("a domain restarted between two observations is gone for one of them") {
    Fixture fixture;
    REQUIRE(fixture.backend->start(fixture.events));
    REQUIRE(fixture.backend->observe(fixture.seen));
    Operator other;
    REQUIRE(virDomainDestroy(other.domain()) == 0);
    REQUIRE(virDomainCreate(other.domain()) == 0);
    REQUIRE(fixture.backend->observe(fixture.seen));
    CHECK(fixture.seen.domains.size() == 0);
    REQUIRE(fixture.backend->observe(fixture.seen));
    CHECK(fixture.seen.domains.size() == 1);
}

TEST_CASE("a step sets the domain's memory and is accepted") {
    Fixture fixture;
    REQUIRE(fixture.backend->start(fixture.events));
    REQUIRE(fixture.backend->observe(fixture.seen));
    Operator other;
    const DomainKey key = fixture.seen.domains.key[0];
    // Set by a thread of its own, soon.
    const auto keeps = [&](unsigned long kib) {
        virDomainInfo info{};
        for (int i = 0; i < 10'000 && info.memory != kib; ++i) {
            REQUIRE(virDomainGetInfo(other.domain(), &info) == 0);
            std::this_thread::sleep_for(1ms);
        }
        CHECK(info.memory == kib);
    };

    StepOutcome outcome = fixture.backend->apply({0, key, 0, 1ULL << 30U});
    CHECK(outcome.status == StepStatus::accepted);
    CHECK(outcome.loaned_bytes == 0);
    keeps(7 * 1024 * 1024);

    SECTION("and back") {
        outcome = fixture.backend->apply({0, key, 1ULL << 30U, 0});
        CHECK(outcome.status == StepStatus::accepted);
        keeps(8 * 1024 * 1024);
    }
    SECTION("also when the row has moved") {
        outcome = fixture.backend->apply({17, key, 1ULL << 30U, 0});
        CHECK(outcome.status == StepStatus::accepted);
        keeps(8 * 1024 * 1024);
    }
    SECTION("but never to nothing, nor below") {
        for (const std::uint64_t loan : {8ULL << 30U, (8ULL << 30U) + 4096, ~0ULL}) {
            outcome = fixture.backend->apply({0, key, 0, loan});
            CHECK(outcome.status == StepStatus::refused);
            CHECK(outcome.constraint == Constraint::min_mem);
        }
        keeps(7 * 1024 * 1024);
        CHECK(fixture.backend->apply({0, key, 1ULL << 30U, 0}).status == StepStatus::accepted);
    }
}

TEST_CASE("steps for domains that are not there are answered with gone") {
    Fixture fixture;
    REQUIRE(fixture.backend->start(fixture.events));
    REQUIRE(fixture.backend->observe(fixture.seen));
    const DomainKey gone = fixture.seen.domains.key[0];
    CHECK(fixture.backend->apply({0, key_from_name("nobody"), 0, 4096}).status == StepStatus::gone);
    Operator other;
    REQUIRE(virDomainDestroy(other.domain()) == 0);
    REQUIRE(fixture.backend->observe(fixture.seen));
    CHECK(fixture.backend->apply({0, gone, 0, 4096}).status == StepStatus::gone);
    REQUIRE(virDomainCreate(other.domain()) == 0);
}

TEST_CASE("after stop nothing is told any more, and the backend can start again") {
    Fixture fixture;
    REQUIRE(fixture.backend->start(fixture.events));
    REQUIRE(fixture.backend->observe(fixture.seen));
    fixture.backend->stop();
    fixture.backend->stop();
    const std::size_t before = fixture.events.count();
    CHECK(fixture.backend->observe(fixture.seen).error().code == Errc::unavailable);
    CHECK(fixture.backend->apply({0, fixture.seen.domains.key[0], 0, 4096}).status ==
          StepStatus::failed);
    CHECK(fixture.seen.domains.size() == 1);
    {
        Operator other;
        REQUIRE(virDomainSuspend(other.domain()) == 0);
        REQUIRE(virDomainResume(other.domain()) == 0);
    }
    CHECK(fixture.events.count() == before);
    REQUIRE(fixture.backend->start(fixture.events));
    CHECK(fixture.backend->observe(fixture.seen));
}

TEST_CASE("a URI that can never work is an invalid argument") {
    ManualClock clock;
    Collector events;
    const auto backend = make_libvirt_backend({.uri = "qemu+bogus:///system"}, clock);
    const auto started = backend->start(events);
    REQUIRE_FALSE(started);
    CHECK(started.error().code == Errc::invalid_argument);
    CHECK(started.error().context.find("qemu+bogus:///system") != std::string::npos);
}

TEST_CASE("a server that is not there is tried again, later and later") {
    ManualClock clock;
    Collector events;
    const auto backend =
        make_libvirt_backend({.uri = "qemu+unix:///system?socket=/nonexistent/libvirt-sock",
                              .reconnect_min = 1s,
                              .reconnect_max = 4s},
                             clock);
    const auto started = backend->start(events);
    REQUIRE_FALSE(started);
    CHECK(started.error().code == Errc::unavailable);
    Observation seen;
    seen.domains.resize(3);
    for (int i = 0; i < 5; ++i) {
        const auto observed = backend->observe(seen);
        REQUIRE_FALSE(observed);
        CHECK(observed.error().code == Errc::unavailable);
        CHECK(observed.error().context.find("/nonexistent/libvirt-sock") != std::string::npos);
        CHECK(seen.domains.size() == 3);
        clock.time += 1s;
    }
    CHECK(events.count() == 0);
}
