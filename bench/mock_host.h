// A controller over N mock domains that stand still.
#pragma once

#include <memory>

#include "controller/controller.h"
#include "hv_backends/mock/mock_backend.h"
#include "sim/virtual_clock.h"

namespace ballast::bench {

inline Settings settings_for(std::uint32_t domains) {
    Settings settings;
    settings.mode = Mode::simulate;
    settings.backend.name = "mock";
    settings.policy.name = "fixed";
    settings.cmm.simulate_loan_target_kb = 262144;
    Scenario scenario;
    ScenarioDomain domain;
    domain.name = "d";
    domain.count = domains;
    domain.page_bytes = 4096;
    domain.used.points = {{Duration{0}, 300 * kMiB}};
    scenario.domains.push_back(domain);
    settings.scenario = std::move(scenario);
    return settings;
}

// One whose ticks a test runs, on a virtual clock.
struct MockHost {
    explicit MockHost(std::uint32_t domains)
        : settings(settings_for(domains)),
          backend(make_mock_backend(*settings.scenario, clock)),
          controller(settings, *backend, clock) {
        // A mock always starts; what it could fail at is a network.
        if (!backend->start(controller)) std::terminate();
    }
    void tick() {
        clock.advance(controller.delay());
        controller.tick(clock.now());
    }
    Settings settings;
    VirtualClock clock;
    std::unique_ptr<Backend> backend;
    Controller controller;
};

}  // namespace ballast::bench
