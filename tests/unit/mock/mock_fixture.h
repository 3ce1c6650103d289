// A scripted hypervisor on a clock that the test moves.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hv_backends/mock/mock_backend.h"
#include "sim/virtual_clock.h"

namespace ballast::test {

inline Curve constant(std::uint64_t bytes) {
    return {{{Duration{0}, bytes}}, std::nullopt, 0};
}

inline ScenarioDomain guest(std::string name) {
    ScenarioDomain domain;
    domain.name = std::move(name);
    domain.memory_bytes = kGiB;
    domain.used = constant(200 * kMiB);
    return domain;
}

inline ScenarioEvent event(Duration at, ScenarioAction action, std::string domain,
                           std::uint64_t bytes = 0, Duration lasts = {}) {
    ScenarioEvent made;
    made.at = at;
    made.action = action;
    made.domain = std::move(domain);
    made.bytes = bytes;
    made.lasts = lasts;
    return made;
}

inline ScenarioFault fault(std::string call, std::string answer, Duration delay = {}) {
    ScenarioFault made;
    made.call = std::move(call);
    made.answer = std::move(answer);
    made.times = 1;
    made.delay = delay;
    return made;
}

inline Scenario scenario_of(std::vector<ScenarioDomain> domains) {
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

}  // namespace ballast::test
