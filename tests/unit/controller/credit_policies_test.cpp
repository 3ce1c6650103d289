// OOM credits under every policy, through the controller's own loop on simulated guests.
#include <fmt/format.h>
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "base/saturating.h"
#include "base/units.h"
#include "config/config.h"
#include "controller/simulate.h"
#include "model/policy_catalogue.h"
#include "tests/paths.h"
#include "whole_loop.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

Settings scenario(const std::string& name) {
    return settings_of(load_config(test_data() + "/scenarios/" + name));
}

// `esx` comes to its answer by ever smaller steps.
constexpr std::uint64_t kSmall = kMiB;

// A run's last state, and when a loan last changed.
struct Run {
    SimulationReport report;
    Duration last_move{};
    std::vector<std::uint64_t> loaned_bytes;
    std::uint64_t credit_bytes = 0;
};

Run run(const Settings& settings) {
    Run run;
    SimulateOptions options;
    options.ticked = [&](const Snapshot& snapshot, Duration at) {
        run.loaned_bytes.resize(snapshot.decisions.size());
        run.credit_bytes = 0;
        for (std::size_t row = 0; row < snapshot.decisions.size(); ++row) {
            const Decision& decision = snapshot.decisions[row];
            run.credit_bytes += decision.oom_freed_bytes;
            const std::uint64_t before = run.loaned_bytes[row];
            const std::uint64_t now = decision.loaned_before_bytes;
            if (std::max(before, now) - std::min(before, now) > kSmall) run.last_move = at;
            run.loaned_bytes[row] = decision.loaned_before_bytes;
        }
    };
    const log::Redirect silence([](log::Level, std::string_view) {});
    const auto report = simulate(settings, options);
    REQUIRE(report);
    run.report = *report;
    return run;
}

// Random hosts whose demand never changes. Each guest loses its balloon to an OOM of random size
// at kOom, which leaves it a credit.
constexpr Duration kOom = 15min;

// How long after the OOM the last balloon may move. `qmemman` can approach its end in steps of 50
// MiB each six seconds, always in one direction: on a host of 37 GiB that took half an hour.
Duration settled_after(PolicyKind kind) {
    return kind == PolicyKind::qmemman ? 75min : 10min;
}

std::string random_host(std::mt19937_64& random, std::string_view policy, bool takes_time,
                        Duration length) {
    const auto between = [&](std::uint64_t least, std::uint64_t most) {
        return std::uniform_int_distribution<std::uint64_t>(least, most)(random);
    };
    std::string domains;
    std::string overrides;
    std::string events;
    std::uint64_t all_mib = 0;
    std::uint64_t all_used_mib = 0;
    const std::uint64_t count = between(1, 6);
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t memory_mib = between(512, 16 * 1024);
        const std::uint64_t used_mib = memory_mib * between(5, 90) / 100;
        // What a guest is asked for by name leaves it enough not to run short.
        const std::uint64_t spare_mib = less(memory_mib - used_mib, 512);
        const std::uint64_t loan_mib = spare_mib * between(0, 100) / 100;
        all_mib += memory_mib;
        all_used_mib += used_mib;
        domains += fmt::format(
            "    - {{name: g{}, memory: {}MiB, page: 4KiB, speed: {}, used: {{points: [[0s, "
            "{}MiB]]}}, "
            "loan: {}MiB}}\n",
            i, memory_mib, takes_time ? "1GiB" : "0", used_mib, loan_mib);
        overrides += fmt::format("  g{}: {{oom_kb: {}, simulate_loan_target_kb: {}}}\n", i,
                                 between(1, 4) == 1 ? 0 : 4 * between(1, 256 * memory_mib / 2),
                                 1024 * loan_mib);
        events += fmt::format("    - {{at: 15m, do: oom, domain: g{}}}\n", i);
    }
    return fmt::format(
        "mode: simulate\n"
        "cmm: {{delay: 1s, min_mem_mb: 128}}\n"
        "backend: {{name: mock}}\n"
        "policy: {{name: {}{}}}\n"
        "domains:\n{}"
        "scenario:\n"
        "  description: \"Constant demand, and an OOM.\"\n"
        "  duration: {}s\n"
        "  pool: {{memory: {}MiB}}\n"
        "  domains:\n{}"
        "  events:\n{}",
        policy,
        // That it tries for hours with ever less cache is no unrest.
        policy == "ballast" ? ", cache_relax_percent_per_h: 0" : "", overrides,
        std::chrono::duration_cast<std::chrono::seconds>(length).count(),
        std::max(all_mib * between(50, 130) / 100, all_used_mib * 6 / 5), domains, events);
}

// How many draws each property is tried with; the long form of the tests sets more.
int draws(int by_default) {
    const char* const wanted = std::getenv("BALLAST_DRAWS");
    return wanted == nullptr ? by_default : std::max(1, std::atoi(wanted));
}

// docs/policies.md says of each that it never comes to rest.
bool hunts(PolicyKind kind) {
    return kind == PolicyKind::mom || kind == PolicyKind::proxmox || kind == PolicyKind::psi;
}

}  // namespace

TEST_CASE("after a burst that left a credit, a guest lends what it does not use") {
    const Run after = run(scenario("credit-then-constant.yaml"));
    const auto& report = after.report;
    REQUIRE(report.domains.size() == 2);
    CHECK(report.domains[0].oom_freed_bytes > 100 * kMiB);
    CHECK(report.domains[0].loaned_bytes >= 23 * kGiB / 10);
    CHECK(report.host_available_bytes >= 247 * kMiB);
    CHECK(report.domains[1].oom_freed_bytes == 0);

    SECTION("as much as without its credit, less the credit at most") {
        Settings without = scenario("credit-then-constant.yaml");
        without.cmm.safeguards.oom_credit = false;
        const Run free = run(without);
        CHECK(report.domains[0].loaned_bytes + report.domains[0].oom_freed_bytes >=
              free.report.domains[0].loaned_bytes);
    }
}

TEST_CASE("a large guest with a credit of many GiB lends, and nothing goes to and fro") {
    const Run after = run(scenario("credit-large-guest.yaml"));
    const auto& report = after.report;
    CHECK(report.domains[0].oom_freed_bytes > kGiB);
    CHECK(report.domains[0].loaned_bytes > 10 * kGiB);
    CHECK(report.host_available_bytes >= kGiB);
    CHECK(after.last_move < 1h);
}

TEST_CASE("under constant demand balloons come to rest after an OOM, whatever its credit") {
    for (const PolicyEntry& entry : policy_catalogue()) {
        if (hunts(entry.kind)) continue;
        const Duration settled = kOom + settled_after(entry.kind);
        std::mt19937_64 random(15);
        const int wanted = draws(8);
        std::uint64_t credited = 0;
        for (int i = 0; i < wanted; ++i) {
            const bool takes_time = i % 2 == 0;
            const std::string text = random_host(random, entry.name, takes_time, settled + 10min);
            INFO(entry.name << ", host " << i << "\n" << text);
            const Run after = run(settings_of(parse_config(text, "random.yaml")));
            CHECK(after.last_move <= settled);
            credited += after.credit_bytes;
        }
        INFO(entry.name);
        // Only these lend nothing here that an OOM could take back.
        CHECK((credited > 0) ==
              (entry.kind != PolicyKind::still && entry.kind != PolicyKind::cpuplugd));
    }
}

TEST_CASE("a credit takes no more than its own size from other guests") {
    for (const PolicyEntry& entry : policy_catalogue()) {
        if (hunts(entry.kind)) continue;
        std::mt19937_64 random(16);
        const int wanted = draws(8);
        for (int i = 0; i < wanted; ++i) {
            const std::string text = random_host(random, entry.name, i % 2 == 0, kOom + 20min);
            INFO(entry.name << ", host " << i << "\n" << text);
            Settings settings = settings_of(parse_config(text, "random.yaml"));
            const Run with = run(settings);
            settings.cmm.safeguards.oom_credit = false;
            const Run without = run(settings);
            REQUIRE(with.loaned_bytes.size() == without.loaned_bytes.size());
            std::uint64_t more = 0;
            std::uint64_t slack = 0;
            for (std::size_t row = 0; row < with.loaned_bytes.size(); ++row) {
                more += less(with.loaned_bytes[row], without.loaned_bytes[row]);
                // Both come to rest anywhere within what is not worth a move.
                slack += with.report.domains[row].total_bytes / 100;
            }
            CHECK(more <= with.credit_bytes + slack);
        }
    }
}
