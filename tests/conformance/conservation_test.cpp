// Whatever happens and whatever fails: no page is lost, none is lent twice, and nobody is left with
// less than its minimum by a decision of ours. Ten thousand random scenarios, the same in every
// run; BALLAST_CONSERVATION_SCENARIOS changes how many.
#include <fmt/format.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>

#include "base/log.h"
#include "config/config.h"
#include "controller/controller.h"
#include "hv_backends/pseries/machine.h"
#include "sim/virtual_clock.h"
#include "tests/paths.h"

using namespace ballast;
using namespace std::chrono_literals;
using Random = std::mt19937_64;

namespace {

constexpr int seconds_each = 24;

// The pseries backend, with a view of its machine.
class Watched final : public Backend {
  public:
    Watched(const Scenario& scenario, const Clock& clock) : clock_(clock) {
        capabilities_.name = "pseries";
        capabilities_.max_step_bytes = kMiB;
        capabilities_.reports_requests = capabilities_.reports_oom = true;
        auto made = pseries::Machine::make(scenario, [this](const Event& event) {
            if (sink_ != nullptr) sink_->on_event(event);
        });
        REQUIRE(made);
        machine_ = std::move(*made);
    }
    const Capabilities& capabilities() const noexcept override { return capabilities_; }
    Result<void> start(EventSink& sink) override {
        sink_ = &sink;
        return {};
    }
    void stop() noexcept override { sink_ = nullptr; }
    Result<void> observe(Observation& into) override {
        machine_->observe(clock_.now() - Time{}, into);
        return {};
    }
    StepOutcome apply(const Step& step) noexcept override { return machine_->apply(step); }
    void set_guest_tunables(const DomainKey& domain, const GuestTunables& tunables) override {
        machine_->set_oom_release(domain, tunables.oom_release_bytes);
    }
    const pseries::Machine& machine() const { return *machine_; }

  private:
    const Clock& clock_;
    Capabilities capabilities_;
    EventSink* sink_ = nullptr;
    std::unique_ptr<pseries::Machine> machine_;
};

// Passes events on and counts them.
struct Counting final : EventSink {
    explicit Counting(Controller& to) : controller(to) {}
    void on_event(const Event& event) noexcept override {
        ++seen[static_cast<std::size_t>(event.kind)];
        controller.on_event(event);
    }
    Controller& controller;
    std::array<std::uint64_t, 32> seen{};
};

template <class Value, std::size_t size>
Value any_of(const std::array<Value, size>& values, Random& random) {
    return values[random() % size];
}

ScenarioEvent random_event(Random& random) {
    static constexpr std::array actions{
        ScenarioAction::used,           ScenarioAction::used,           ScenarioAction::oom,
        ScenarioAction::hotplug_remove, ScenarioAction::hotplug_cancel, ScenarioAction::hotplug_add,
        ScenarioAction::migrate_pages,  ScenarioAction::migrate,        ScenarioAction::pause,
        ScenarioAction::loan_request,   ScenarioAction::loan_request,   ScenarioAction::domain_stop,
        ScenarioAction::domain_start,   ScenarioAction::driver_gone};
    ScenarioEvent event;
    event.action = any_of(actions, random);
    event.at = std::chrono::milliseconds(random() % (seconds_each * 1000));
    event.bytes = (random() % 128) * 64 * kKiB;
    event.lasts = std::chrono::milliseconds(random() % 4000);
    event.domain = random() % 2 == 0 ? "a" : "b";
    return event;
}

ScenarioFault random_fault(Random& random) {
    static constexpr std::array calls{"H_PAGE_INIT_LOANED", "H_PAGE_INIT_ACTIVE",
                                      "H_PAGE_INIT",        "H_GET_MPP",
                                      "guest_alloc",        "hotplug_trylock"};
    static constexpr std::array answers{"H_BUSY", "H_HARDWARE", "H_RESOURCE", "H_PARAMETER",
                                        "H_LONG_BUSY_ORDER_1_SEC"};
    ScenarioFault fault;
    fault.call = any_of(calls, random);
    fault.answer = any_of(answers, random);
    fault.skip = random() % 400;
    fault.every = 1 + random() % 40;
    fault.times = 1 + random() % 30;
    return fault;
}

Scenario random_scenario(Random& random) {
    Scenario scenario;
    scenario.pool.memory_bytes = (8 + random() % 16) * kMiB;
    for (const char* name : {"a", "b"}) {
        ScenarioDomain domain;
        domain.name = name;
        domain.memory_bytes = 8 * kMiB + random() % 4 * 64 * kKiB;
        domain.page_bytes = random() % 2 == 0 ? 4096 : 65536;
        domain.memory_block_bytes = kMiB;
        scenario.domains.push_back(domain);
    }
    for (int i = 0; i < 12; ++i) scenario.events.push_back(random_event(random));
    const std::uint64_t faults = random() % 4;
    for (std::uint64_t i = 0; i < faults; ++i) scenario.faults.push_back(random_fault(random));
    // OOMs in the middle of moves.
    for (const char* call : {"guest_alloc", "guest_free"}) {
        if (random() % 4 != 0) continue;
        ScenarioFault oom;
        oom.call = call;
        oom.answer = "oom";
        oom.skip = random() % 400;
        oom.times = 1 + random() % 3;
        scenario.faults.push_back(oom);
    }
    scenario.hypervisor_calls = random() % 4 != 0;
    return scenario;
}

Settings random_settings(Random& random) {
    Settings settings;
    settings.backend.name = "pseries";
    settings.policy.name = "cmm";
    settings.cmm.min_mem_mb = random() % 8;
    settings.cmm.oom_kb = random() % 2048;
    settings.cmm.hotplug_delay = std::chrono::seconds(random() % 4);
    if (random() % 2 == 0) {
        settings.cmm.profile = Profile::kernel;
        settings.cmm.safeguards.credit_after_clamp = false;
        settings.cmm.safeguards.always_give_back = false;
    }
    return settings;
}

bool refuses_pages(const Scenario& scenario) {
    for (const ScenarioFault& fault : scenario.faults)
        if (fault.call.rfind("H_PAGE_INIT", 0) == 0) return true;
    return false;
}

// What all scenarios together came to: a check that saw nothing proves nothing.
struct Exercised {
    std::uint64_t inflations = 0;
    std::uint64_t deflations = 0;
    std::uint64_t short_moves = 0;
    std::uint64_t at_minimum = 0;
    std::uint64_t limbo_ticks = 0;
    std::array<std::uint64_t, 32> events{};
};

// Empty, or what broke. `low` remembers which rows were below their minimum before. Where the
// hypervisor refuses to take pages back, a moved page may stay lent beside the one it moved to.
std::string broken_by(const Snapshot& snapshot, const std::vector<std::uint64_t>& total_before,
                      bool pages_are_refused, std::vector<bool>& low) {
    for (std::size_t row = 0; row < snapshot.decisions.size(); ++row) {
        const Decision& decision = snapshot.decisions[row];
        const std::uint64_t kept = decision.total_bytes - decision.loaned_after_bytes;
        const bool is_low = kept < decision.min_mem_bytes && decision.loaned_after_bytes > 0;
        const bool shrank = decision.total_bytes < total_before[row];
        if (is_low && decision.loaned_after_bytes > decision.loaned_before_bytes)
            return "an inflation went below min_mem_mb";
        if (is_low && !shrank && !low[row] && !pages_are_refused)
            return fmt::format("{} kept, {} guarded, though the guest did not shrink", kept,
                               decision.min_mem_bytes);
        low[row] = is_low;
    }
    return {};
}

void run(std::uint64_t seed, Exercised& exercised) {
    Random random(seed);
    const Scenario scenario = random_scenario(random);
    const Settings settings = random_settings(random);
    VirtualClock clock;
    Watched backend(scenario, clock);
    Controller controller(settings, backend, clock);
    Counting sink(controller);
    REQUIRE(backend.start(sink));
    std::vector<std::uint64_t> total_before;
    std::vector<bool> low;
    std::uint64_t membership = 0;
    Observation seen;
    for (int second = 1; second <= seconds_each; ++second) {
        clock.advance(1s);
        REQUIRE(backend.observe(seen));
        if (seen.domains.membership != membership) {
            // Rows have moved; who is below the minimum now was so before this tick.
            total_before = seen.domains.total_bytes;
            low.resize(total_before.size());
            for (std::size_t row = 0; row < low.size(); ++row)
                low[row] = seen.domains.total_bytes[row] - seen.domains.loaned_bytes[row] <
                           settings.cmm.min_mem_mb * kMiB;
            membership = seen.domains.membership;
        }
        controller.tick(clock.now());
        CAPTURE(seed, second);
        // Loaned by the guest = held by the hypervisor; managed + loaned = total; the pool's books.
        REQUIRE(backend.machine().audit() == "");
        const auto snapshot = controller.snapshots().latest();
        REQUIRE(broken_by(*snapshot, total_before, refuses_pages(scenario), low) == "");
        if (backend.machine().limbo_pages() > 0) {
            ++exercised.limbo_ticks;
            // Half loaned only where the hypervisor refuses both directions; then nobody has it.
            REQUIRE(refuses_pages(scenario));
        }
        for (std::size_t row = 0; row < snapshot->decisions.size(); ++row) {
            const Decision& decision = snapshot->decisions[row];
            exercised.inflations += decision.loaned_after_bytes > decision.loaned_before_bytes;
            exercised.deflations += decision.loaned_after_bytes < decision.loaned_before_bytes;
            exercised.short_moves += decision.outcome != StepStatus::done;
            exercised.at_minimum += decision.constraint == Constraint::min_mem;
            total_before[row] = decision.total_bytes;
        }
    }
    for (std::size_t i = 0; i < sink.seen.size(); ++i) exercised.events[i] += sink.seen[i];
}

std::uint64_t scenarios_wanted() {
    const char* text = std::getenv("BALLAST_CONSERVATION_SCENARIOS");
    return text == nullptr ? 10'000 : std::stoull(text);
}

}  // namespace

TEST_CASE("in ten thousand random scenarios no page is lost and no minimum is undercut") {
    const log::Redirect quiet([](log::Level, std::string_view) {});
    Exercised exercised;
    const std::uint64_t scenarios = scenarios_wanted();
    for (std::uint64_t seed = 1; seed <= scenarios; ++seed) run(seed, exercised);

    const auto events = [&exercised](EventKind kind) {
        return exercised.events[static_cast<std::size_t>(kind)];
    };
    CHECK(exercised.inflations > scenarios);
    CHECK(exercised.deflations > scenarios / 2);
    CHECK(exercised.short_moves > scenarios / 10);
    CHECK(exercised.at_minimum > scenarios / 10);
    CHECK(exercised.limbo_ticks > 0);
    CHECK(events(EventKind::oom) > scenarios / 10);
    CHECK(events(EventKind::hotplug_ended) > scenarios / 10);
    CHECK(events(EventKind::hotplug_cancelled) > scenarios / 10);
    CHECK(events(EventKind::page_migrated) > scenarios / 10);
    CHECK(events(EventKind::migration_began) > scenarios / 10);
}

TEST_CASE("partitions lend to the one that surges, and their pool never loses a page") {
    const log::Redirect quiet([](log::Level, std::string_view) {});
    const ConfigResult loaded = load_config(source_dir() + "/config/examples/partition-surge.yaml");
    REQUIRE(std::holds_alternative<Settings>(loaded));
    const Settings& settings = std::get<Settings>(loaded);
    VirtualClock clock;
    Watched backend(*settings.scenario, clock);
    Controller controller(settings, backend, clock);
    REQUIRE(backend.start(controller));

    std::vector<std::uint64_t> least(4, UINT64_MAX);
    std::vector<std::uint64_t> most(4, 0);
    while (clock.now() - Time{} < settings.scenario->duration) {
        clock.advance(1s);
        controller.tick(clock.now());
        const auto snapshot = controller.snapshots().latest();
        REQUIRE(snapshot->decisions.size() == 4);
        // What backs partitions and what is free is the pool, to the page.
        REQUIRE(backend.machine().audit() == "");
        if (clock.now() - Time{} < 2min) continue;  // until the first loans are made
        std::uint64_t kept = 0;
        for (std::size_t row = 0; row < 4; ++row) {
            const Decision& decision = snapshot->decisions[row];
            kept += decision.total_bytes - decision.loaned_after_bytes;
            least[row] = std::min(least[row], decision.loaned_after_bytes);
            most[row] = std::max(most[row], decision.loaned_after_bytes);
        }
        REQUIRE(kept <= settings.scenario->pool.memory_bytes);
    }
    // The first surges: it has everything back for a while. The others lent more for it.
    CHECK(most[0] > kGiB);
    CHECK(least[0] < 64 * kMiB);
    for (std::size_t row = 1; row < 4; ++row) CHECK(most[row] > least[row] + 100 * kMiB);
}
