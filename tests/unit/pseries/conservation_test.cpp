#include <random>

#include "pseries_fixture.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

ScenarioEvent random_event(std::mt19937_64& random) {
    constexpr std::array kActions{ScenarioAction::used,           ScenarioAction::oom,
                                  ScenarioAction::hotplug_remove, ScenarioAction::hotplug_cancel,
                                  ScenarioAction::hotplug_add,    ScenarioAction::migrate_pages,
                                  ScenarioAction::domain_stop,    ScenarioAction::domain_start,
                                  ScenarioAction::pause,          ScenarioAction::loan_request,
                                  ScenarioAction::driver_gone,    ScenarioAction::used};
    ScenarioEvent made =
        event(std::chrono::seconds(random() % 60), kActions[random() % kActions.size()],
              (random() % 64) * kMiB, std::chrono::seconds(random() % 8));
    made.domain = random() % 2 == 0 ? "a" : "b";
    return made;
}

ScenarioFault random_fault(std::mt19937_64& random) {
    constexpr std::array kCalls{"H_PAGE_INIT_LOANED", "H_PAGE_INIT_ACTIVE", "H_PAGE_INIT",
                                "H_GET_MPP",          "guest_alloc",        "hotplug_trylock"};
    constexpr std::array kAnswers{"H_BUSY", "H_HARDWARE", "H_RESOURCE", "H_LONG_BUSY_ORDER_1_SEC"};
    ScenarioFault made =
        fault(kCalls[random() % kCalls.size()], kAnswers[random() % kAnswers.size()],
              random() % 2000, 1 + random() % 50);
    made.every = 1 + random() % 40;
    return made;
}

}  // namespace

TEST_CASE("whatever happens and whatever fails, no page is lost or half lent unaccounted") {
    for (std::uint64_t seed = 1; seed <= 150; ++seed) {
        std::mt19937_64 random(seed);
        Scenario scenario;
        scenario.pool.memory_bytes = (64 + random() % 96) * kMiB;
        for (const char* name : {"a", "b"}) {
            scenario.domains.push_back(
                partition(name, 64 * kMiB, random() % 2 == 0 ? 4096 : 65536));
            scenario.domains.back().memory_block_bytes = 4 * kMiB;
        }
        for (int i = 0; i < 25; ++i) scenario.events.push_back(random_event(random));
        for (int i = 0; i < 5; ++i) scenario.faults.push_back(random_fault(random));
        for (const char* call : {"guest_alloc", "guest_free"})
            scenario.faults.push_back(
                fault(call, "oom", random() % 20000, std::uint64_t{1} + random() % 5));
        scenario.hypervisor_calls = seed % 3 != 0;
        Running run(scenario);
        for (const char* name : {"a", "b"}) run.machine->set_oom_release(key_from_name(name), kMiB);
        for (int second = 0; second <= 60; ++second) {
            run.observe(std::chrono::seconds(second));
            const std::size_t rows = run.seen.domains.size();
            for (std::size_t row = 0; row < rows; ++row) {
                const std::uint64_t page = std::uint64_t{1} << run.seen.domains.page_shift[row];
                const std::uint64_t goal =
                    (random() % (run.seen.domains.total_bytes[row] + 1)) & ~(page - 1);
                run.machine->apply(
                    {row, run.seen.domains.key[row], run.seen.domains.loaned_bytes[row], goal});
            }
            CAPTURE(seed, second);
            REQUIRE(run.machine->audit() == "");
        }
    }
}
