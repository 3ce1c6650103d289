// A daemon's run, recorded from its bus and replayed under its policy.
#include <catch2/catch.hpp>
#include <variant>

#include "base/log.h"
#include "base/units.h"
#include "bus/ballast_bus.hpp"
#include "compare/grid.h"
#include "compare/reproduction.h"
#include "config/config.h"
#include "controller/bus_feed.h"
#include "controller/controller.h"
#include "hv_backends/mock/mock_backend.h"
#include "recording/recording_reader.h"
#include "sim/virtual_clock.h"
#include "tests/paths.h"
#include "tests/unit/recording/recording_fixture.h"

using namespace ballast;
using namespace ballast::compare;
using ballast::test::RecordingFixture;

namespace {

struct Replayed {
    Recording recording;
    std::vector<double> lent;  // at each tick
    Reproduction reproduction;
};

struct RunFixture : RecordingFixture {
    const log::Redirect quiet{[](log::Level, std::string_view) {}};

    // `seconds` of the daemon's loop on an example, of which the first `before` are not recorded.
    // Ticks come up to a millisecond late, as real ones do.
    void record(const std::string& example, int seconds, int before = 0, unsigned flags = 0) {
        ConfigResult loaded = load_config(source_dir() + "/config/examples/" + example);
        REQUIRE(std::holds_alternative<Settings>(loaded));
        const Settings settings = std::get<Settings>(std::move(loaded));
        VirtualClock clock(Time{} + std::chrono::hours(5));
        const auto backend = make_mock_backend(*settings.scenario, clock);
        Controller controller(settings, *backend, clock);
        BusFeed feed(clock);
        REQUIRE(feed.attach({folder.path("events"), 65536}));
        controller.set_feed(feed);
        REQUIRE(backend->start(controller));
        const auto recording = recorder();
        std::optional<Bus> bus;
        const Time start = clock.now();
        for (int tick = 1; tick <= seconds; ++tick) {
            if (tick == before + 1) bus.emplace(folder.path("events"), flags);
            const Time due = start + std::chrono::seconds(tick);
            clock.advance_to(due + std::chrono::microseconds((tick * 7919) % 1000));
            backend->advance();
            controller.tick(due);
            ballast_bus_record record;
            while (bus && bus->next(record, 0) == BALLAST_BUS_RECORD)
                REQUIRE(recording->add(record));
        }
        REQUIRE(recording->finish());
    }
    // As `ballastctl replay` does.
    Replayed replayed(PolicyKind kind) {
        auto recording = read_recording(path);
        if (!recording) FAIL(recording.error().message());
        Replayed replayed{std::move(*recording), {}, Reproduction(replayed.recording)};
        Grid grid;
        grid.contestants = {{std::string(entry_of(kind).name), default_choice(kind)}};
        grid.demand = {DemandScale{}};
        grid.controller.emplace();
        grid.on_tick_of = [&replayed](std::size_t) -> OnTick {
            return [&replayed](const RunTick& tick) {
                replayed.reproduction.look(tick);
                double lent = 0;
                for (const std::size_t vm : tick.host.rows())
                    lent += static_cast<double>(tick.host.guest(vm).loaned());
                replayed.lent.push_back(lent);
            };
        };
        Constants constants;
        constants.tick_s = replayed.recording.workload.tick_s;
        constants.recorded_ticks = true;
        const auto results = run_grid(replayed.recording.workload, grid, constants, 1, {});
        if (!results) FAIL(results.error().message());
        return replayed;
    }
};

}  // namespace

TEST_CASE_METHOD(RunFixture, "a replay under the recorded policy reproduces the recording") {
    record("overcommitted.yaml", 75);
    const Replayed same = replayed(PolicyKind::ballast);
    const auto& recorded = same.recording.outcome.lent.points;
    CHECK(recorded.back().bytes > 8.0 * kGiB);
    CHECK(same.recording.outcome.least_available_bytes == 0U);
    REQUIRE(same.lent.size() == 75);
    std::size_t point = 0;
    int beside = 0;
    for (std::size_t tick = 0; tick < same.lent.size(); ++tick) {
        while (point + 1 < recorded.size() && recorded[point + 1].at_s <= static_cast<double>(tick))
            ++point;
        const bool near =
            same.lent[tick] ==
            Approx(recorded[point].bytes).epsilon(0.05).margin(static_cast<double>(64 * kMiB));
        beside += near ? 0 : 1;
    }
    // Where the recorded policy waited to the microsecond, a move may be a tick early or late.
    CHECK(beside <= 2);
    CHECK(same.reproduction.lent_differs_percent() < 5);
    // Of all sixteen guests before any had moved, at least.
    CHECK(same.reproduction.same_figures() >= 16);
    CHECK(same.reproduction.same_decisions() == same.reproduction.same_figures());
    // Another policy does something else.
    CHECK(replayed(PolicyKind::still).reproduction.lent_differs_percent() > 50);
}

TEST_CASE_METHOD(RunFixture, "a recording that begins while guests lend is replayed from there") {
    record("overcommitted.yaml", 120, 40);
    const Replayed same = replayed(PolicyKind::ballast);
    const double lent = same.recording.outcome.lent.points.front().bytes;
    CHECK(lent > kGiB);
    CHECK(same.lent.front() == lent);
    // The policy has to learn again what the recorded one knew by then.
    CHECK(same.reproduction.lent_differs_percent() < 35);
}

TEST_CASE_METHOD(RunFixture, "what the bus still holds of the time before makes a replay exact") {
    record("overcommitted.yaml", 120, 40, BALLAST_BUS_FROM_OLDEST);
    const Replayed same = replayed(PolicyKind::ballast);
    CHECK(same.lent.size() == 120);
    CHECK(same.reproduction.lent_differs_percent() < 5);
}

TEST_CASE_METHOD(RunFixture, "without what was resident at the start a replay lends otherwise") {
    record("overcommitted.yaml", 75);
    change("UPDATE guests SET resident = NULL, cache = 0");
    CHECK(replayed(PolicyKind::ballast).reproduction.lent_differs_percent() > 20);
}
