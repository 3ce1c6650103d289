// Several connections as one backend, each a fake one that answers, fails or hangs as told.
#include "hv_backends/libvirt/several_connections.h"

#include <catch2/catch.hpp>
#include <thread>

#include "hv_backends/libvirt/connections.h"
#include "tests/unit/libvirt/fake_connection.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

class SharedClock final : public Clock {
  public:
    Time now() const noexcept override { return Time{Duration{now_ns}}; }
    WallTime wall_now() const noexcept override { return {}; }
    void advance(Duration by) { now_ns += by.count(); }
    std::atomic<std::int64_t> now_ns{Duration{1h}.count()};
};

class Collector final : public EventSink {
  public:
    void on_event(const Event& event) noexcept override {
        const std::lock_guard lock(mutex_);
        events_.push_back(event);
    }
    std::vector<Event> take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(events_, {});
    }

  private:
    std::mutex mutex_;
    std::vector<Event> events_;
};

struct Desk {
    SharedClock clock;
    Collector events;
    std::shared_ptr<FakeHost> first = std::make_shared<FakeHost>();
    std::shared_ptr<FakeHost> second = std::make_shared<FakeHost>();
    // How many connections hang that did not before: when all others are there, time is up.
    std::size_t newly_hanging = 0;
    std::size_t waits_for = 0;  // when the last wait began
    Observation seen;
    std::unique_ptr<Backend> backend;

    explicit Desk(Duration letting_go = 1min) {
        SeveralOptions options;
        options.letting_go = letting_go;
        options.wait = [this](auto& lock, auto& changed, const auto& outstanding) {
            waits_for = outstanding();
            changed.wait(lock, [&] { return outstanding() <= newly_hanging; });
        };
        const auto plan = [](const std::string& uri, bool local, std::shared_ptr<FakeHost> host) {
            return ConnectionPlan{uri, local, [host](const Clock& own) {
                                      return std::make_unique<FakeConnection>(host, own);
                                  }};
        };
        backend = make_several_connections(
            {plan("fake://first", false, first), plan("fake://second", true, second)}, options,
            clock);
        first->add("a", 4096);
        second->add("b", 8192);
    }
    ~Desk() {
        first->hang(false);
        second->hang(false);
    }
    void start() {
        REQUIRE(backend->start(events));
        REQUIRE(backend->observe(seen));
        REQUIRE(seen.domains.size() == 2);
    }
    // Another observation; the first connection begins to hang in it.
    void observe_as_first_hangs() {
        const int before = first->calls();
        first->hang(true);
        newly_hanging = 1;
        REQUIRE(backend->observe(seen));
        newly_hanging = 0;
        first->wait_for_calls(before + 1);
    }
    DomainFlags flags(const std::string& name) const {
        for (std::size_t row = 0; row < seen.domains.size(); ++row)
            if (seen.domains.name[row] == name) return seen.domains.flags[row];
        FAIL("no row " << name);
        return DomainFlags::none;
    }
    bool unanswered(const std::string& name) const {
        return has(flags(name), DomainFlags::unanswered);
    }
    // What hung before answers by itself, soon.
    template <class There>
    void observe_until(There there) {
        for (int i = 0; i < 10'000; ++i) {
            REQUIRE(backend->observe(seen));
            if (there()) return;
            std::this_thread::sleep_for(1ms);
        }
        FAIL("not in time");
    }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("domains of all connections are observed at once") {
    Desk desk;
    desk.start();
    CHECK(desk.seen.domains.name == Names{"a", "b"});
    CHECK(desk.seen.domains.loaned_bytes == std::vector<std::uint64_t>{4096, 8192});
    CHECK(desk.seen.at == desk.clock.now());
    CHECK(desk.backend->capabilities().description == "a fake and 1 more");
    const std::uint64_t before = desk.seen.domains.membership;
    REQUIRE(desk.backend->observe(desk.seen));
    CHECK(desk.seen.domains.membership == before);
}

TEST_CASE("a connection that hangs keeps its rows, and holds up the others once") {
    Desk desk;
    desk.start();
    const std::uint64_t before = desk.seen.domains.membership;
    desk.observe_as_first_hangs();
    CHECK(desk.unanswered("a"));
    CHECK_FALSE(desk.unanswered("b"));
    CHECK(desk.seen.domains.loaned_bytes[0] == 4096);

    const int asked = desk.first->calls();
    desk.second->add("c");
    for (int i = 0; i < 3; ++i) {
        REQUIRE(desk.backend->observe(desk.seen));
        CHECK(desk.waits_for <= 1);  // the second alone
    }
    CHECK(desk.first->calls() == asked);
    CHECK(desk.seen.domains.name == Names{"a", "b", "c"});
    CHECK(desk.unanswered("a"));
    CHECK(desk.seen.domains.membership == before + 1);

    SECTION("a table that is filled anew has them as well") {
        Observation other;
        REQUIRE(desk.backend->observe(other));
        CHECK(other.domains.name == Names{"a", "b", "c"});
        CHECK(other.domains.loaned_bytes[0] == 4096);
    }
    SECTION("when it answers again, nothing is lost") {
        desk.clock.advance(1min);
        desk.first->hang(false);
        desk.observe_until([&] { return !desk.unanswered("a"); });
        CHECK(desk.seen.domains.name == Names{"a", "b", "c"});
        CHECK(desk.seen.domains.membership == before + 1);
        // And it is waited for as ever.
        REQUIRE(desk.backend->observe(desk.seen));
        CHECK_FALSE(desk.unanswered("a"));
    }
    SECTION("what it answers late tells of domains that went, too") {
        desk.first->remove("a");
        desk.clock.advance(1min);
        desk.first->hang(false);
        desk.observe_until([&] { return desk.seen.domains.name == Names{"c", "b"}; });
    }
}

TEST_CASE("a connection that is lost keeps its rows until it answers without them") {
    Desk desk;
    desk.start();
    desk.second->break_down(Error{Errc::unavailable, "no route", 0});
    REQUIRE(desk.backend->observe(desk.seen));
    CHECK(desk.unanswered("b"));
    CHECK_FALSE(desk.unanswered("a"));
    desk.second->remove("b");
    REQUIRE(desk.backend->observe(desk.seen));
    CHECK(desk.unanswered("b"));
    desk.second->break_down(std::nullopt);
    REQUIRE(desk.backend->observe(desk.seen));
    CHECK(desk.seen.domains.name == Names{"a"});
}

TEST_CASE("observing fails where no connection answers, and says why for each") {
    Desk desk;
    desk.start();
    desk.first->break_down(Error{Errc::unavailable, "no route", 0});
    desk.second->break_down(Error{Errc::unavailable, "connect to fake://second: refused", 0});
    const auto observed = desk.backend->observe(desk.seen);
    REQUIRE_FALSE(observed);
    CHECK(observed.error().code == Errc::unavailable);
    CHECK(observed.error().context == "fake://first: no route; connect to fake://second: refused");
    CHECK_FALSE(desk.unanswered("a"));

    desk.first->break_down(std::nullopt);
    desk.first->hang(true);
    desk.newly_hanging = 1;
    CHECK_FALSE(desk.backend->observe(desk.seen));
    desk.newly_hanging = 0;
    const auto again = desk.backend->observe(desk.seen);
    REQUIRE_FALSE(again);
    CHECK(again.error().code == Errc::timed_out);
}

TEST_CASE("moves and books go to the connection that has the domain") {
    Desk desk;
    desk.start();
    const DomainKey a = key_from_name("a");
    const DomainKey b = key_from_name("b");
    CHECK(desk.backend->apply({1, b, 8192, 12288}).status == StepStatus::accepted);
    REQUIRE(desk.second->steps.size() == 1);
    CHECK(desk.second->steps[0].row == 0);
    CHECK(desk.second->steps[0].loaned_to_bytes == 12288);
    CHECK(desk.first->steps.empty());
    CHECK(desk.backend->apply({0, key_from_name("x"), 0, 4096}).status == StepStatus::gone);
    desk.backend->keep_books(b, CarriedBooks{1, 2});
    CHECK(desk.backend->carried_books(b) == CarriedBooks{1, 2});
    CHECK_FALSE(desk.backend->carried_books(a));
    desk.backend->set_guest_tunables(a, {4096});
    CHECK(desk.first->tuned == std::vector{a});
}

TEST_CASE("a move on a connection that hangs is refused at once, and what is to be kept waits") {
    Desk desk;
    desk.start();
    desk.observe_as_first_hangs();
    const DomainKey a = key_from_name("a");
    const StepOutcome outcome = desk.backend->apply({0, a, 4096, 0});
    CHECK(outcome.status == StepStatus::refused);
    CHECK(outcome.constraint == Constraint::stuck);
    CHECK(outcome.loaned_bytes == 4096);
    CHECK(outcome.detail == "fake://first does not answer");
    desk.backend->keep_books(a, CarriedBooks{1, 2});
    CHECK_FALSE(desk.backend->carried_books(a));
    CHECK(desk.backend->apply({1, key_from_name("b"), 0, 0}).status == StepStatus::accepted);

    desk.first->hang(false);
    desk.observe_until([&] { return !desk.unanswered("a"); });
    CHECK(desk.backend->carried_books(a) == CarriedBooks{1, 2});
    CHECK(desk.first->steps.empty());
}

TEST_CASE("a domain that moves to the other host keeps its row, and its moves follow it") {
    Desk desk;
    desk.start();
    const DomainKey a = key_from_name("a");
    Event migrates;
    migrates.kind = EventKind::migration_began;
    migrates.domain = a;
    desk.first->tell(migrates);
    desk.second->tell(migrates);  // not its own
    const std::uint64_t before = desk.seen.domains.membership;
    desk.second->add("a", 4096);
    desk.first->remove("a");
    REQUIRE(desk.backend->observe(desk.seen));
    CHECK(desk.seen.domains.name == Names{"a", "b"});
    CHECK(desk.seen.domains.membership == before + 1);  // for its new host
    const auto events = desk.events.take();
    REQUIRE(events.size() == 2);
    CHECK(events[1].kind == EventKind::migration_ended);
    CHECK(desk.backend->apply({0, a, 4096, 0}).status == StepStatus::accepted);
    REQUIRE(desk.second->steps.size() == 1);
    CHECK(desk.second->steps[0].row == 1);
}

TEST_CASE("the host's figures are the local connection's, while it answers") {
    Desk desk;
    desk.first->set_available(1);
    desk.second->set_available(2);
    desk.start();
    CHECK(desk.seen.host.available_bytes == 2);
    desk.second->break_down(Error{Errc::unavailable, "no route", 0});
    REQUIRE(desk.backend->observe(desk.seen));
    CHECK(desk.seen.host.available_bytes == kUnknownBytes);
}

TEST_CASE("connections that are not there at the start are waited for, wrong ones are not") {
    Desk desk;
    desk.first->break_down(Error{Errc::unavailable, "no route", 0});
    SECTION("one") {
        REQUIRE(desk.backend->start(desk.events));
        REQUIRE(desk.backend->observe(desk.seen));
        CHECK(desk.seen.domains.name == Names{"b"});
        desk.first->break_down(std::nullopt);
        REQUIRE(desk.backend->observe(desk.seen));
        CHECK(desk.seen.domains.name == Names{"b", "a"});
        // It was there before, only out of sight: its books still hold.
        CHECK(desk.flags("a") == DomainFlags::carried_over);
        REQUIRE(desk.backend->observe(desk.seen));
        CHECK(desk.flags("a") == DomainFlags::none);
    }
    SECTION("one that hangs") {
        desk.first->hang(true);
        desk.newly_hanging = 1;
        REQUIRE(desk.backend->start(desk.events));
        desk.newly_hanging = 0;
        REQUIRE(desk.backend->observe(desk.seen));
        CHECK(desk.seen.domains.name == Names{"b"});
    }
    SECTION("all") {
        desk.second->break_down(Error{Errc::unavailable, "no route", 0});
        const auto started = desk.backend->start(desk.events);
        REQUIRE_FALSE(started);
        CHECK(started.error().code == Errc::unavailable);
        desk.second->break_down(std::nullopt);
        CHECK(desk.backend->observe(desk.seen));
    }
    SECTION("a wrong one") {
        desk.second->break_down(Error{Errc::invalid_argument, "no such driver", 0});
        const auto started = desk.backend->start(desk.events);
        REQUIRE_FALSE(started);
        CHECK(started.error().code == Errc::invalid_argument);
        CHECK(desk.backend->observe(desk.seen).error().code == Errc::unavailable);
        CHECK(desk.first->stops() == 1);
    }
}

TEST_CASE("after stop nothing is told any more, and the connections can start again") {
    Desk desk;
    desk.start();
    desk.backend->stop();
    desk.backend->stop();
    CHECK(desk.first->stops() == 1);
    CHECK(desk.backend->observe(desk.seen).error().code == Errc::unavailable);
    CHECK(desk.backend->apply({0, key_from_name("a"), 0, 4096}).status == StepStatus::failed);
    CHECK_FALSE(desk.backend->carried_books(key_from_name("a")));
    desk.first->remove("a");
    desk.first->add("d");
    REQUIRE(desk.backend->start(desk.events));
    REQUIRE(desk.backend->observe(desk.seen));
    CHECK(desk.seen.domains.name == Names{"d", "b"});
}

TEST_CASE("a connection that hangs while the backend stops is left behind, and ends by itself") {
    Desk desk(Duration{0});
    desk.start();
    desk.observe_as_first_hangs();
    desk.backend.reset();
    CHECK(desk.first->stops() == 0);
    desk.first->hang(false);
    desk.first->wait_for_stop();
    CHECK(desk.events.take().empty());
}

TEST_CASE("one URI gives the plain backend, several give all of them") {
    SharedClock clock;
    const auto made = [&](std::string_view uris) {
        auto backend = make_libvirt_backend_for(uris, {}, clock);
        return backend ? (*backend)->capabilities().description : backend.error().context;
    };
    CHECK(made(" test:///default ") == "virtio balloons of the domains at test:///default");
    CHECK(made("test:///default\n\tqemu:///system") ==
          "virtio balloons of the domains at test:///default and 1 more");
    CHECK(made(" \n") == "uri names 0 connections, expected 1 to 16");
    CHECK(made("a:/// b:/// a:///") == "uri names 'a:///' twice");
    std::string many;
    for (int i = 0; i < 17; ++i) many += " test://" + std::to_string(i);
    CHECK(made(many) == "uri names 17 connections, expected 1 to 16");
}

TEST_CASE("libvirt's own connections work side by side") {
    SystemClock clock;
    Collector events;
    const auto made = make_libvirt_backend_for(
        "test:///default qemu+unix:///system?socket=/nonexistent/libvirt-sock", {}, clock);
    REQUIRE(made);
    const auto& backend = *made;
    REQUIRE(backend->start(events));
    Observation seen;
    REQUIRE(backend->observe(seen));
    REQUIRE(seen.domains.name == Names{"test"});
    CHECK(backend->apply({0, seen.domains.key[0], 0, 0}).status == StepStatus::accepted);
    CHECK(backend->apply({0, key_from_name("x"), 0, 4096}).status == StepStatus::gone);
    backend->stop();
}
