// What the driver does to its guest where profile `safe` departs from it: each switch off shows the
// harm, on shows that it is gone.
#include <catch2/catch.hpp>
#include <functional>

#include "base/log.h"
#include "config/config.h"
#include "controller/backend_factory.h"
#include "controller/controller.h"
#include "sim/virtual_clock.h"

using namespace ballast;
using namespace std::chrono_literals;

namespace {

// Runs a scenario of one guest and shows each tick's decision.
void run(const std::string& cmm, const std::string& scenario,
         const std::function<void(const Decision&)>& look) {
    const log::Redirect quiet([](log::Level, std::string_view) {});
    const ConfigResult loaded = parse_config(
        "mode: simulate\ncmm: {" + cmm + "}\nbackend: {name: pseries}\n" +
            // Or no guest would ever run out.
            "guests: {surge_below: 0}\n" + "policy: {name: cmm}\nscenario:\n" + scenario,
        "harm.yaml");
    if (const auto* problems = std::get_if<ConfigProblems>(&loaded)) FAIL(problems->text());
    const Settings& settings = std::get<Settings>(loaded);
    VirtualClock clock;
    auto backend = make_backend(settings, clock);
    REQUIRE(backend);
    Controller controller(settings, **backend, clock);
    REQUIRE((*backend)->start(controller));
    while (clock.now() - Time{} < settings.scenario->duration) {
        clock.advance(1s);
        (*backend)->advance();
        controller.tick(clock.now());
        look(controller.snapshots().latest()->decisions.at(0));
    }
}

}  // namespace

TEST_CASE(
    "credit_after_clamp: a huge request takes from the guest what it just saved itself with") {
    const bool on = GENERATE(false, true);
    std::uint64_t least_kept = UINT64_MAX;
    std::uint64_t credit = 0;
    std::uint64_t taken_again = 0;
    std::uint64_t loaned = 0;
    run(std::string("oom_kb: 16384, min_mem_mb: 256, safeguards: {credit_after_clamp: ") +
            (on ? "true}" : "false}"),
        "  description: A guest of 1 GiB that is asked for 8 GiB needs 400 MiB.\n"
        "  duration: 2m\n"
        "  domains: [{name: g, memory: 1GiB, loan: 8GiB,\n"
        "             used: {points: [[0s, 100MiB], [30s, 100MiB], [40s, 400MiB], [70s, 400MiB],\n"
        "                            [80s, 100MiB]]}}]\n",
        [&](const Decision& decision) {
            least_kept = std::min(least_kept, decision.total_bytes - decision.loaned_after_bytes);
            credit = decision.oom_freed_bytes;
            if (credit > 0 && decision.loaned_after_bytes > loaned) ++taken_again;
            loaned = decision.loaned_after_bytes;
        });
    CHECK(least_kept >= 256 * kMiB);
    CHECK(credit >= 100 * kMiB);
    CHECK((taken_again > 0) == !on);
}

TEST_CASE("always_give_back: during a hotplug suspension a guest is left below its minimum") {
    const bool on = GENERATE(false, true);
    int ticks_below = 0;
    run(std::string("min_mem_mb: 512, hotplug_delay: 20, safeguards: {always_give_back: ") +
            (on ? "true}" : "false}"),
        "  description: A guest that lends all it may loses a quarter of its memory.\n"
        "  duration: 2m\n"
        "  domains: [{name: g, memory: 1GiB, loan: 8GiB, used: 100MiB}]\n"
        "  events: [{at: 60s, do: hotplug_remove, domain: g, size: 256MiB, lasts: 1s}]\n",
        [&](const Decision& decision) {
            ticks_below += decision.total_bytes - decision.loaned_after_bytes < 512 * kMiB ? 1 : 0;
        });
    if (on) {
        CHECK(ticks_below == 0);
    } else {
        CHECK(ticks_below >= 20);
    }
}

TEST_CASE("oom_credit: guest and daemon take the same memory from each other, over and over") {
    const bool on = GENERATE(false, true);
    std::uint64_t credit = 0;
    run(std::string("oom_kb: 4096, min_mem_mb: 64, safeguards: {oom_credit: ") +
            (on ? "true}" : "false}"),
        "  description: A guest of 1 GiB that is to lend 700 MiB needs 500 MiB now and then.\n"
        "  duration: 5m\n"
        "  domains: [{name: g, memory: 1GiB, loan: 700MiB,\n"
        "             used: {points: [[0s, 100MiB], [30s, 500MiB], [50s, 100MiB]], repeat: "
        "60s}}]\n",
        [&](const Decision& decision) { credit = decision.oom_freed_bytes; });
    // What one surge needs, once; or again at every surge.
    if (on) {
        CHECK(credit >= 150 * kMiB);
        CHECK(credit < 250 * kMiB);
    } else {
        CHECK(credit > 700 * kMiB);
    }
}

TEST_CASE("an OOM with less lent than oom_kb frees and books what there is, in both profiles") {
    const std::string profile = GENERATE(as<std::string>{}, "kernel", "safe");
    std::uint64_t credit = 0;
    std::uint64_t loaned = UINT64_MAX;
    run("profile: " + profile + ", oom_kb: 65536, min_mem_mb: 64",
        "  description: The driver's kernel crashes here.\n"
        "  duration: 60s\n"
        "  domains: [{name: g, memory: 1GiB, loan: 1MiB, used: 100MiB}]\n"
        "  events: [{at: 30s, do: oom, domain: g}]\n",
        [&](const Decision& decision) {
            credit = decision.oom_freed_bytes;
            loaned = decision.loaned_after_bytes;
        });
    CHECK(credit == kMiB);
    CHECK(loaned == 0);
}
