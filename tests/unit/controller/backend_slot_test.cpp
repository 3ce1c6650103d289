#include "controller/backend_slot.h"

#include <catch2/catch.hpp>

#include "controller/controller.h"
#include "fake_module.h"

using namespace ballast;
using namespace ballast::test;

namespace {

// A controller whose backend is a slot, with policy fixed asking for 100 KiB of each domain.
struct SlotBench {
    explicit SlotBench() { REQUIRE(slot.fill(old_module.load(registry))); }

    SnapshotExchange::Handle tick() {
        clock.advance(controller.delay());
        controller.tick(clock.now());
        return controller.snapshots().latest();
    }
    // Starts a replacement; its end is in `outcome`.
    Result<void> propose() {
        return slot.propose(new_module.load(registry),
                            [this](Result<void> ended) { outcome = std::move(ended); });
    }

    std::optional<Result<void>> outcome;  // before the slot, whose end may still tell it
    VirtualClock clock;
    ModuleRegistry registry{clock, {}};
    FakeModule<0> old_module;
    FakeModule<1> new_module;
    BackendSlot slot;
    Controller controller{fixed_settings(100), slot, clock};

    void start() {
        old_module.world.add("g1", kGiB);
        REQUIRE(slot.start(controller));
        tick();
        REQUIRE(old_module.world.table.loaned_bytes[0] == 100 * kKiB);
        new_module.world.table = old_module.world.table;
    }
};

}  // namespace

TEST_CASE("a new backend takes over between two ticks, and nothing moves because of it") {
    SlotBench bench;
    bench.start();
    const std::size_t moves = bench.old_module.world.steps.size();
    REQUIRE(bench.propose());
    CHECK_FALSE(bench.outcome);
    const auto seen = bench.tick();
    CHECK(seen->decisions[0].loaned_after_bytes == 100 * kKiB);
    CHECK(seen->decisions[0].inflated_total_bytes == 100 * kKiB);
    CHECK_FALSE(bench.outcome);  // its first tick counts
    bench.tick();
    REQUIRE(bench.outcome);
    CHECK(*bench.outcome);
    CHECK(bench.old_module.world.steps.size() == moves);
    CHECK(bench.new_module.world.steps.empty());
    CHECK(bench.old_module.stopped == 1);
    CHECK(bench.registry.list()[0].users == 0);
    CHECK(bench.registry.list()[1].users == 1);
}

TEST_CASE("a new backend is told what is lent, and of the guests' tunables") {
    SlotBench bench;
    bench.start();
    REQUIRE(bench.propose());
    bench.tick();
    REQUIRE(bench.new_module.adopted.size() == 1);
    CHECK(bench.new_module.adopted[0].loaned_bytes == 100 * kKiB);
    REQUIRE_FALSE(bench.new_module.world.tuned.empty());
    CHECK(bench.new_module.world.tuned[0].second == 1024 * kKiB);
}

TEST_CASE("OOM credits survive a replacement") {
    SlotBench bench;
    bench.start();
    Event oom;
    oom.kind = EventKind::oom;
    oom.domain = key_from_name("g1");
    oom.bytes = 40 * kKiB;
    oom.loaned_bytes = 60 * kKiB;
    bench.controller.on_event(oom);
    bench.old_module.world.table.loaned_bytes[0] = 60 * kKiB;
    bench.new_module.world.table.loaned_bytes[0] = 60 * kKiB;
    REQUIRE(bench.propose());
    bench.tick();
    const auto seen = bench.tick();
    CHECK(seen->decisions[0].oom_freed_bytes == 40 * kKiB);
    CHECK(seen->decisions[0].constraint == Constraint::oom_credit);
    CHECK(bench.new_module.world.table.loaned_bytes[0] == 60 * kKiB);
}

TEST_CASE("if the new backend does not start, the old one goes on") {
    SlotBench bench;
    bench.start();
    bench.new_module.start_error = "no such place";
    const auto proposed = bench.propose();
    REQUIRE_FALSE(proposed);
    CHECK_THAT(proposed.error().context, Catch::EndsWith("no such place"));
    bench.tick();
    CHECK_FALSE(bench.outcome);
    CHECK(bench.registry.list()[1].users == 0);
    bench.new_module.start_error.clear();
    CHECK(bench.propose());  // there is room for another try
}

TEST_CASE("if the new backend fails its first observation, the old one goes on in the same tick") {
    SlotBench bench;
    bench.start();
    REQUIRE(bench.propose());
    bench.new_module.world.observe_error = "not my day";
    const auto seen = bench.tick();
    CHECK(seen->backend_up);
    CHECK(seen->decisions[0].loaned_after_bytes == 100 * kKiB);
    REQUIRE(bench.outcome);
    REQUIRE_FALSE(*bench.outcome);
    CHECK_THAT(bench.outcome->error().context, Catch::EndsWith("not my day"));
    CHECK(bench.new_module.stopped == 1);
    CHECK(bench.old_module.stopped == 0);
}

TEST_CASE("if a move of the new backend fails in its first tick, the old one comes back") {
    SlotBench bench;
    bench.start();
    REQUIRE(bench.propose());
    REQUIRE(bench.controller.set_attribute("g1", "simulate_loan_target_kb", "200"));
    bench.new_module.world.answer = [](const Step& step) -> StepOutcome {
        return {StepStatus::failed, step.loaned_from_bytes, Constraint::backend_error, "broken"};
    };
    bench.tick();
    CHECK(bench.old_module.world.table.loaned_bytes[0] == 100 * kKiB);
    bench.tick();
    REQUIRE(bench.outcome);
    REQUIRE_FALSE(*bench.outcome);
    CHECK_THAT(bench.outcome->error().context, Catch::EndsWith("broken"));
    CHECK(bench.old_module.world.table.loaned_bytes[0] == 200 * kKiB);
    CHECK(bench.old_module.stopped == 0);
}

TEST_CASE("a backend that does not answer any more can be replaced") {
    SlotBench bench;
    bench.start();
    bench.old_module.world.observe_error = "gone for good";
    REQUIRE(bench.propose());
    CHECK(bench.tick()->backend_up);
    bench.tick();
    REQUIRE(bench.outcome);
    CHECK(*bench.outcome);
}

TEST_CASE("events of the backend in charge count, those of one that lost do not") {
    SlotBench bench;
    bench.start();
    REQUIRE(bench.propose());
    Event paused;
    paused.kind = EventKind::domain_paused;
    paused.domain = key_from_name("g1");
    bench.new_module.report(paused);
    CHECK_FALSE(bench.controller.events_pending());  // waits with its backend
    bench.new_module.world.observe_error = "not my day";
    CHECK(bench.tick()->decisions[0].constraint == Constraint::none);

    bench.new_module.world.observe_error.clear();
    REQUIRE(bench.propose());
    bench.new_module.report(paused);
    bench.tick();
    CHECK(bench.tick()->decisions[0].constraint == Constraint::paused);
    bench.old_module.report(paused);
    CHECK_FALSE(bench.controller.events_pending());
}

TEST_CASE("only one backend takes over at a time, and it can be called off") {
    SlotBench bench;
    bench.start();
    REQUIRE(bench.propose());
    CHECK(bench.propose().error().code == Errc::busy);
    bench.slot.withdraw();
    REQUIRE(bench.outcome);
    CHECK_FALSE(*bench.outcome);
    bench.tick();
    CHECK(bench.new_module.observed == 0);
}

TEST_CASE("without a backend the loop goes on and says why nothing moves") {
    SlotBench bench;
    bench.start();
    bench.slot.clear();
    CHECK(bench.registry.list()[0].users == 0);
    const auto seen = bench.tick();
    CHECK_FALSE(seen->backend_up);
    CHECK(seen->backend_error == "no backend is loaded");
    CHECK(seen->backend_name == "none");
    CHECK(seen->decisions[0].constraint == Constraint::backend_error);

    REQUIRE(bench.slot.fill(bench.new_module.load(bench.registry)));
    REQUIRE(bench.new_module.adopted.size() == 1);  // what the last one left
    CHECK(bench.new_module.adopted[0].loaned_bytes == 100 * kKiB);
    CHECK(bench.tick()->backend_up);
}

TEST_CASE("a backend that is forsaken while a call hangs leaves at the next observation") {
    SlotBench bench;
    bench.start();
    const std::uint64_t generation = bench.slot.generation_in_charge();
    bench.slot.forsake(generation + 1);  // not this one
    CHECK(bench.tick()->backend_up);
    bench.slot.forsake(generation);
    CHECK_FALSE(bench.tick()->backend_up);
    CHECK(bench.slot.generation_in_charge() == 0);
    CHECK(bench.registry.list()[0].users == 0);
}
