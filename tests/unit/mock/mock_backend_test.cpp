#include "hv_backends/mock/mock_backend.h"

#include <catch2/catch.hpp>
#include <vector>

#include "sim/virtual_clock.h"

using namespace ballast;
using namespace std::chrono_literals;

namespace {

Curve constant(std::uint64_t bytes) {
    return {{{Duration{0}, bytes}}, std::nullopt, 0};
}

ScenarioDomain guest(std::string name) {
    ScenarioDomain domain;
    domain.name = std::move(name);
    domain.memory_bytes = kGiB;
    domain.used = constant(200 * kMiB);
    return domain;
}

ScenarioEvent event(Duration at, ScenarioAction action, std::string domain, std::uint64_t bytes = 0,
                    Duration lasts = {}) {
    ScenarioEvent made;
    made.at = at;
    made.action = action;
    made.domain = std::move(domain);
    made.bytes = bytes;
    made.lasts = lasts;
    return made;
}

ScenarioFault fault(std::string call, std::string answer, Duration delay = {}) {
    ScenarioFault made;
    made.call = std::move(call);
    made.answer = std::move(answer);
    made.times = 1;
    made.delay = delay;
    return made;
}

Scenario scenario_of(std::vector<ScenarioDomain> domains) {
    Scenario scenario;
    scenario.domains = std::move(domains);
    return scenario;
}

struct Sink final : EventSink {
    void on_event(const Event& event) noexcept override { events.push_back(event); }
    std::vector<EventKind> kinds() const {
        std::vector<EventKind> all;
        for (const Event& event : events) all.push_back(event.kind);
        return all;
    }
    std::vector<Event> events;
};

struct Desk {
    explicit Desk(const Scenario& scenario) : backend(make_mock_backend(scenario, clock)) {
        REQUIRE(backend->start(sink));
        look();
    }
    void look() { REQUIRE(backend->observe(seen)); }
    void pass(Duration time) {
        clock.advance(time);
        look();
    }
    std::size_t row(std::string_view name) const {
        for (std::size_t i = 0; i < seen.domains.size(); ++i)
            if (seen.domains.name[i] == name) return i;
        FAIL("no domain " << name);
        return 0;
    }
    std::uint64_t loaned(std::string_view name) const {
        return seen.domains.loaned_bytes[row(name)];
    }
    DomainFlags flags(std::string_view name) const { return seen.domains.flags[row(name)]; }
    StepOutcome lend(std::string_view name, std::uint64_t bytes) {
        const std::size_t at = row(name);
        return backend->apply({at, seen.domains.key[at], seen.domains.loaned_bytes[at], bytes});
    }
    VirtualClock clock;
    std::unique_ptr<Backend> backend;
    Sink sink;
    Observation seen;
};

}  // namespace

TEST_CASE("a guest shows what it has, and what its programs leave free") {
    Desk desk(scenario_of({guest("g")}));
    REQUIRE(desk.seen.domains.size() == 1);
    CHECK(desk.seen.domains.total_bytes[0] == kGiB);
    CHECK(desk.loaned("g") == 0);
    CHECK(desk.seen.domains.unused_bytes[0] == kGiB - 200 * kMiB);
    CHECK(desk.seen.domains.loan_request_bytes[0] == 0);
    CHECK(has(desk.flags("g"), DomainFlags::deflate_on_oom));
    CHECK(desk.seen.host.total_bytes == kGiB);
    CHECK(desk.seen.host.available_bytes == 0);
}

TEST_CASE("without a speed the balloon is where it was asked to be at once") {
    Desk desk(scenario_of({guest("g")}));
    CHECK_FALSE(desk.backend->capabilities().asynchronous);
    CHECK(desk.lend("g", 256 * kMiB).status == StepStatus::done);
    desk.look();
    CHECK(desk.loaned("g") == 256 * kMiB);
    CHECK(desk.seen.domains.unused_bytes[0] == kGiB - 200 * kMiB - 256 * kMiB);
    CHECK(desk.seen.host.available_bytes == 256 * kMiB);
}

TEST_CASE("with a speed it moves by so much a second, both ways, and stops at its goal") {
    ScenarioDomain slow = guest("g");
    slow.speed_bytes_per_s = 32 * kMiB;
    Desk desk(scenario_of({slow}));
    CHECK(desk.backend->capabilities().asynchronous);
    CHECK(desk.lend("g", 80 * kMiB).status == StepStatus::accepted);
    desk.pass(1s);
    CHECK(desk.loaned("g") == 32 * kMiB);
    desk.pass(1s);
    CHECK(desk.loaned("g") == 64 * kMiB);
    desk.pass(1s);
    CHECK(desk.loaned("g") == 80 * kMiB);
    CHECK(desk.lend("g", 0).loaned_bytes == 80 * kMiB);
    desk.pass(2s);
    CHECK(desk.loaned("g") == 16 * kMiB);
}

TEST_CASE("the hypervisor's request is the script's loan less what is lent") {
    ScenarioDomain asked = guest("g");
    asked.loan = Curve{{{0s, 0}, {10s, 100 * kMiB}}, std::nullopt, 0};
    Desk desk(scenario_of({asked}));
    desk.pass(5s);
    CHECK(desk.seen.domains.loan_request_bytes[0] == 50 * static_cast<std::int64_t>(kMiB));
    desk.lend("g", 80 * kMiB);
    desk.look();
    CHECK(desk.seen.domains.loan_request_bytes[0] == -30 * static_cast<std::int64_t>(kMiB));
}

TEST_CASE("loan_request and used replace the curves from their time on") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(1s, ScenarioAction::loan_request, "g", 64 * kMiB),
                       event(2s, ScenarioAction::used, "g", 500 * kMiB)};
    Desk desk(scenario);
    desk.pass(1s);
    CHECK(desk.seen.domains.loan_request_bytes[0] == 64 * static_cast<std::int64_t>(kMiB));
    desk.pass(1s);
    CHECK(desk.seen.domains.unused_bytes[0] == kGiB - 500 * kMiB);
}

TEST_CASE("a guest whose programs need more than is left takes memory back and tells of it") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(1s, ScenarioAction::used, "g", 900 * kMiB)};
    Desk desk(scenario);
    desk.lend("g", 512 * kMiB);
    desk.pass(1s);
    CHECK(desk.loaned("g") == 124 * kMiB);
    REQUIRE(desk.sink.kinds() == std::vector{EventKind::oom});
    CHECK(desk.sink.events[0].bytes == 388 * kMiB);
    CHECK(desk.sink.events[0].loaned_bytes == 124 * kMiB);
}

TEST_CASE("a guest without deflate on OOM keeps its balloon") {
    ScenarioDomain stubborn = guest("g");
    stubborn.deflate_on_oom = false;
    Scenario scenario = scenario_of({stubborn});
    scenario.events = {event(1s, ScenarioAction::used, "g", 900 * kMiB)};
    Desk desk(scenario);
    desk.lend("g", 512 * kMiB);
    desk.pass(1s);
    CHECK(desk.loaned("g") == 512 * kMiB);
    CHECK(desk.seen.domains.unused_bytes[0] == 0);
    CHECK(desk.sink.events.empty());
}

TEST_CASE("an oom event frees what the guest's driver is set to free, at most what is lent") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(1s, ScenarioAction::oom, "g"), event(2s, ScenarioAction::oom, "g"),
                       event(3s, ScenarioAction::oom, "g")};
    Desk desk(scenario);
    desk.backend->set_guest_tunables(key_from_name("g"), {.oom_release_bytes = 3 * kMiB});
    desk.backend->set_guest_tunables(key_from_name("nobody"), {.oom_release_bytes = kGiB});
    desk.lend("g", 4 * kMiB);
    desk.pass(1s);
    CHECK(desk.loaned("g") == kMiB);
    desk.pass(1s);
    CHECK(desk.loaned("g") == 0);
    desk.pass(1s);
    REQUIRE(desk.sink.events.size() == 2);  // the third had nothing to free
    CHECK(desk.sink.events[1].bytes == kMiB);
}

TEST_CASE("a paused guest moves nothing until it is resumed") {
    ScenarioDomain slow = guest("g");
    slow.speed_bytes_per_s = 32 * kMiB;
    Scenario scenario = scenario_of({slow});
    scenario.events = {event(2s, ScenarioAction::pause, "g"),
                       event(5s, ScenarioAction::resume, "g")};
    Desk desk(scenario);
    desk.lend("g", 256 * kMiB);
    desk.pass(1s);
    desk.pass(1s);
    const std::uint64_t frozen = desk.loaned("g");
    CHECK(has(desk.flags("g"), DomainFlags::paused));
    desk.pass(2s);
    CHECK(desk.loaned("g") == frozen);
    const StepOutcome refused = desk.lend("g", 0);
    CHECK(refused.status == StepStatus::refused);
    CHECK(refused.constraint == Constraint::paused);
    desk.pass(1s);
    CHECK_FALSE(has(desk.flags("g"), DomainFlags::paused));
    desk.pass(1s);
    CHECK(desk.loaned("g") == frozen + 32 * kMiB);
    CHECK(desk.sink.kinds() == std::vector{EventKind::domain_paused, EventKind::domain_resumed});
}

TEST_CASE("a guest without a driver refuses steps for as long as it has none") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(1s, ScenarioAction::driver_gone, "g", 0, 2s)};
    Desk desk(scenario);
    desk.pass(1s);
    CHECK(desk.lend("g", kMiB).constraint == Constraint::no_driver);
    desk.pass(2s);
    CHECK(desk.lend("g", kMiB).status == StepStatus::done);
}

TEST_CASE("stale statistics freeze, and are flagged") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(1s, ScenarioAction::stats_stale, "g", 0, 2s),
                       event(2s, ScenarioAction::used, "g", 700 * kMiB)};
    Desk desk(scenario);
    const std::uint64_t before = desk.seen.domains.unused_bytes[0];
    desk.pass(2s);
    CHECK(has(desk.flags("g"), DomainFlags::stale_stats));
    CHECK(desk.seen.domains.unused_bytes[0] == before);
    desk.pass(1s);
    CHECK_FALSE(has(desk.flags("g"), DomainFlags::stale_stats));
    CHECK(desk.seen.domains.unused_bytes[0] == kGiB - 700 * kMiB);
}

TEST_CASE("memory that is removed cannot be what is lent, and nothing is lent meanwhile") {
    ScenarioDomain stubborn = guest("g");
    stubborn.deflate_on_oom = false;
    Scenario scenario = scenario_of({stubborn});
    scenario.events = {event(1s, ScenarioAction::hotplug_remove, "g", kGiB, 2s)};
    Desk desk(scenario);
    desk.lend("g", 256 * kMiB);
    desk.pass(1s);
    CHECK(has(desk.flags("g"), DomainFlags::hotplug));
    CHECK(desk.lend("g", 512 * kMiB).constraint == Constraint::hotplug);
    CHECK(desk.lend("g", 128 * kMiB).status == StepStatus::done);
    desk.pass(2s);
    CHECK(desk.seen.domains.total_bytes[0] == 128 * kMiB);
    CHECK(desk.sink.kinds() == std::vector{EventKind::hotplug_began, EventKind::hotplug_ended});
    CHECK(desk.sink.events[1].bytes == kGiB - 128 * kMiB);
}

TEST_CASE("memory may be added, and a removal called off") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(1s, ScenarioAction::hotplug_add, "g", kGiB),
                       event(2s, ScenarioAction::hotplug_cancel, "g", 256 * kMiB, 1s)};
    Desk desk(scenario);
    desk.pass(1s);
    CHECK(desk.seen.domains.total_bytes[0] == 2 * kGiB);
    desk.pass(2s);
    CHECK(desk.seen.domains.total_bytes[0] == 2 * kGiB);
    CHECK(desk.sink.kinds() == std::vector{EventKind::hotplug_began, EventKind::hotplug_ended,
                                           EventKind::hotplug_began, EventKind::hotplug_cancelled});
}

TEST_CASE("a migration begins and ends, pages are moved and told of") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(1s, ScenarioAction::migrate, "g", 0, 3s),
                       event(2s, ScenarioAction::migrate_pages, "g", 64 * kMiB)};
    Desk desk(scenario);
    desk.lend("g", 16 * kMiB);
    desk.pass(2s);
    CHECK(has(desk.flags("g"), DomainFlags::migrating));
    desk.pass(2s);
    CHECK_FALSE(has(desk.flags("g"), DomainFlags::migrating));
    REQUIRE(desk.sink.kinds() == std::vector{EventKind::migration_began, EventKind::page_migrated,
                                             EventKind::migration_ended});
    CHECK(desk.sink.events[1].bytes == 16 * kMiB);  // no more than is lent
    CHECK(desk.loaned("g") == 16 * kMiB);
}

TEST_CASE("a domain that goes and comes back has nothing lent, and rows follow") {
    Scenario scenario = scenario_of({guest("a"), guest("b"), guest("c")});
    scenario.events = {event(1s, ScenarioAction::domain_stop, "a"),
                       event(3s, ScenarioAction::domain_start, "a")};
    Desk desk(scenario);
    desk.lend("a", 128 * kMiB);
    desk.lend("c", 64 * kMiB);
    const std::uint64_t membership = desk.seen.domains.membership;
    const Step stale{desk.row("a"), key_from_name("a"), 0, kMiB};
    desk.pass(1s);
    CHECK(desk.seen.domains.size() == 2);
    CHECK(desk.seen.domains.membership != membership);
    CHECK(desk.loaned("c") == 64 * kMiB);
    CHECK(desk.backend->apply(stale).status == StepStatus::gone);
    CHECK(desk.lend("c", 32 * kMiB).status == StepStatus::done);
    desk.pass(2s);
    CHECK(desk.seen.domains.size() == 3);
    CHECK(desk.loaned("a") == 0);
    CHECK(desk.loaned("c") == 32 * kMiB);
    CHECK(desk.sink.kinds() == std::vector{EventKind::domain_went, EventKind::domain_came});
}

TEST_CASE("an event names domains by glob, and no name means all") {
    Scenario scenario = scenario_of({guest("db-1"), guest("db-2"), guest("web")});
    scenario.events = {event(1s, ScenarioAction::pause, "db-*"),
                       event(2s, ScenarioAction::pause, "")};
    Desk desk(scenario);
    desk.pass(1s);
    CHECK(has(desk.flags("db-1"), DomainFlags::paused));
    CHECK(has(desk.flags("db-2"), DomainFlags::paused));
    CHECK_FALSE(has(desk.flags("web"), DomainFlags::paused));
    desk.pass(1s);
    CHECK(has(desk.flags("web"), DomainFlags::paused));
}

TEST_CASE("a scripted answer to a step moves what it says, once") {
    const auto [answer, status, loaned] = GENERATE(table<std::string, StepStatus, std::uint64_t>(
        {{"refuse", StepStatus::refused, 0},
         {"error", StepStatus::failed, 0},
         {"gone", StepStatus::gone, 0},
         {"partial", StepStatus::partial, 128 * kMiB}}));
    Scenario scenario = scenario_of({guest("g")});
    scenario.faults = {fault("apply", answer)};
    Desk desk(scenario);
    const StepOutcome outcome = desk.lend("g", 256 * kMiB);
    CHECK(outcome.status == status);
    CHECK(outcome.loaned_bytes == loaned);
    CHECK(outcome.constraint == Constraint::backend_error);
    CHECK_FALSE(outcome.detail.empty());
    desk.look();
    CHECK(desk.loaned("g") == loaned);
    CHECK(desk.lend("g", 256 * kMiB).status == StepStatus::done);
}

TEST_CASE("a delayed step is accepted and happens after the delay") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.faults = {fault("apply", "", 5s)};
    Desk desk(scenario);
    CHECK(desk.lend("g", 64 * kMiB).status == StepStatus::accepted);
    desk.pass(4s);
    CHECK(desk.loaned("g") == 0);
    desk.pass(1s);
    CHECK(desk.loaned("g") == 64 * kMiB);
}

TEST_CASE("an observation that fails leaves the last one as it was") {
    const auto [delay, code] =
        GENERATE(table<Duration, Errc>({{0s, Errc::unavailable}, {3s, Errc::timed_out}}));
    Scenario scenario = scenario_of({guest("g")});
    scenario.faults = {fault("observe", "error", delay)};
    scenario.faults[0].skip = 1;
    Desk desk(scenario);
    desk.lend("g", kMiB);
    const Result<void> failed = desk.backend->observe(desk.seen);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == code);
    CHECK(desk.loaned("g") == 0);
    desk.look();
    CHECK(desk.loaned("g") == kMiB);
}

TEST_CASE("steps for rows and domains that are not there move nothing") {
    Desk desk(scenario_of({guest("g")}));
    CHECK(desk.backend->apply({7, key_from_name("g"), 0, kMiB}).status == StepStatus::gone);
    CHECK(desk.backend->apply({0, key_from_name("x"), 0, kMiB}).status == StepStatus::gone);
    CHECK(desk.backend->apply({SIZE_MAX, key_from_name("g"), 0, kMiB}).status == StepStatus::gone);
    desk.look();
    CHECK(desk.loaned("g") == 0);
    CHECK(desk.lend("g", UINT64_MAX).loaned_bytes == kGiB);  // no more than there is
}

TEST_CASE("the same script and seed give the same figures") {
    ScenarioDomain noisy = guest("n");
    noisy.count = 3;
    noisy.used = Curve{{{0s, 100 * kMiB}, {60s, 400 * kMiB}}, 60s, 20};
    const Scenario scenario = scenario_of({noisy});
    Desk one(scenario);
    Desk two(scenario);
    Scenario other_seed = scenario;
    other_seed.seed = 2;
    Desk three(other_seed);
    bool differs = false;
    for (int i = 0; i < 100; ++i) {
        one.pass(1s);
        two.pass(1s);
        three.pass(1s);
        REQUIRE(one.seen.domains.unused_bytes == two.seen.domains.unused_bytes);
        differs |= one.seen.domains.unused_bytes != three.seen.domains.unused_bytes;
    }
    CHECK(differs);
    CHECK(one.seen.domains.unused_bytes[0] != one.seen.domains.unused_bytes[1]);
}

TEST_CASE("the next event's time is known until the last has happened") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(3s, ScenarioAction::pause, "g", 0, 4s)};
    Desk desk(scenario);
    const Time start = desk.clock.now();
    CHECK(desk.backend->next_event_at() == start + 3s);
    desk.pass(3s);
    CHECK(desk.backend->next_event_at() == start + 7s);
    desk.pass(4s);
    CHECK_FALSE(desk.backend->next_event_at());
}

TEST_CASE("no event comes after stop") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(1s, ScenarioAction::pause, "g")};
    Desk desk(scenario);
    desk.backend->stop();
    desk.backend->stop();
    desk.pass(1s);
    CHECK(desk.sink.events.empty());
}
