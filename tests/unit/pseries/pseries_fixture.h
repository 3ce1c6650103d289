// Scenarios and machines for tests of the pseries simulator.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hv_backends/pseries/machine.h"

namespace ballast::test {

inline ScenarioDomain partition(std::string name, std::uint64_t memory_bytes,
                                std::uint32_t page_bytes = 64 * 1024) {
    ScenarioDomain domain;
    domain.name = std::move(name);
    domain.memory_bytes = memory_bytes;
    domain.page_bytes = page_bytes;
    return domain;
}

inline ScenarioEvent event(Duration at, ScenarioAction action, std::uint64_t bytes = 0,
                           Duration lasts = {}) {
    ScenarioEvent made;
    made.at = at;
    made.action = action;
    made.bytes = bytes;
    made.lasts = lasts;
    return made;
}

inline ScenarioFault fault(std::string call, std::string answer, std::uint64_t skip = 0,
                           std::optional<std::uint64_t> times = std::nullopt) {
    ScenarioFault made;
    made.call = std::move(call);
    made.answer = std::move(answer);
    made.skip = skip;
    made.times = times;
    return made;
}

// A machine with everything it told.
struct Running {
    explicit Running(const Scenario& scenario) {
        auto made =
            pseries::Machine::make(scenario, [this](const Event& told) { events.push_back(told); });
        REQUIRE(made);
        machine = std::move(*made);
        observe(Duration{0});
    }
    void observe(Duration now) { machine->observe(now, seen); }
    StepOutcome lend(std::size_t row, std::uint64_t loaned_bytes) {
        const StepOutcome outcome = machine->apply(
            {row, seen.domains.key[row], seen.domains.loaned_bytes[row], loaned_bytes});
        machine->observe(seen.at - Time{}, seen);
        return outcome;
    }
    std::uint64_t loaned(std::size_t row = 0) const { return seen.domains.loaned_bytes[row]; }

    std::unique_ptr<pseries::Machine> machine;
    Observation seen;
    std::vector<Event> events;
};

inline Scenario one_partition(std::uint32_t page_bytes = 64 * 1024) {
    Scenario scenario;
    scenario.domains.push_back(partition("p1", 256 * kMiB, page_bytes));
    return scenario;
}

}  // namespace ballast::test
