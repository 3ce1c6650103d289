// A whole tick of the controller over N mock domains, beside one pass over as many rows of memory.
#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <optional>

#include "bench/mock_host.h"
#include "bench/side_by_side.h"
#include "hv_backends/modules/module_backend.h"
#include "modules/builtin.h"

namespace ballast::bench {
namespace {

Case decide_case(std::uint32_t domains) {
    auto host = std::make_shared<MockHost>(domains);
    host->tick();  // the loans are made; what follows is the steady state
    auto source = std::make_shared<DomainTable>();
    source->resize(domains);
    auto sink = std::make_shared<std::vector<std::uint64_t>>(domains);
    return {fmt::format("decide.{}", domains), "pass", "ns/domain", timed([host, domains] {
                host->tick();
                return std::size_t{domains};
            }),
            timed([source, sink, domains] {
                for (std::size_t row = 0; row < domains; ++row) {
                    (*sink)[row] = source->total_bytes[row] - source->loaned_bytes[row] +
                                   source->unused_bytes[row];
                }
                asm volatile("" : : "r"(sink->data()) : "memory");  // the pass must happen
                return std::size_t{domains};
            })};
}

// The same tick, with the mock behind the module interface.
struct ModuleHost {
    explicit ModuleHost(std::uint32_t domains) : settings(settings_for(domains)) {
        ModuleConfig config;
        config.text = fmt::format(
            "{{mode: simulate, backend: {{name: mock}}, policy: {{name: fixed}}, scenario: "
            "{{description: bench, duration: 1h, domains: [{{name: d, count: {}, memory: 1GiB, "
            "page: 4KiB, used: 300MiB}}]}}}}",
            domains);
        auto made = ModuleBackend::create(*builtin_module("mock"), config, clock, watch);
        if (!made) {
            fmt::print(stderr, "{}\n", made.error().message());
            std::exit(1);
        }
        backend = std::move(*made);
        controller.emplace(settings, *backend, clock);
        if (!backend->start(*controller)) std::terminate();
    }
    void tick() {
        clock.advance(controller->delay());
        controller->tick(clock.now());
    }
    Settings settings;
    VirtualClock clock;
    CallWatch watch{clock};
    std::unique_ptr<Backend> backend;
    std::optional<Controller> controller;
};

Case module_case(std::uint32_t domains) {
    auto direct = std::make_shared<MockHost>(domains);
    auto module = std::make_shared<ModuleHost>(domains);
    direct->tick();
    module->tick();
    return {fmt::format("decide.module.{}", domains), fmt::format("decide.{}", domains),
            "ns/domain", timed([module, domains] {
                module->tick();
                return std::size_t{domains};
            }),
            timed([direct, domains] {
                direct->tick();
                return std::size_t{domains};
            })};
}

}  // namespace

std::vector<NamedCase> decide_cases() {
    std::vector<NamedCase> cases;
    for (const std::uint32_t domains : {1'000U, 10'000U, 100'000U, 1'000'000U}) {
        cases.push_back(
            {fmt::format("decide.{}", domains), [domains] { return decide_case(domains); }});
    }
    for (const std::uint32_t domains : {1'000U, 100'000U})
        cases.push_back(
            {fmt::format("decide.module.{}", domains), [domains] { return module_case(domains); }});
    return cases;
}

}  // namespace ballast::bench
