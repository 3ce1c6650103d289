// Every safety rule with every policy, through the daemon's own loop, with a crash in the middle.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "base/saturating.h"
#include "base/units.h"
#include "model/policy_catalogue.h"
#include "whole_loop.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kStep = 96 * kMiB;
constexpr std::uint64_t kReserve = 256 * kMiB;

// Three guests, of which two have much to spare, on a host that is short of memory; one of them
// begins to need it. `events` are what the rule under test is about.
Settings crowded_host(std::string_view policy, std::string_view events) {
    const std::string text = fmt::format(R"(
mode: simulate
cmm: {{delay: 1s, max_step: 96MiB, hotplug_delay: 5s, min_mem_mb: 512, oom_kb: 65536, simulate_loan_target_kb: 1048576}}
backend: {{name: mock}}
policy: {{name: {}}}
host: {{reserve: 256MiB}}
scenario:
  description: "A crowded host."
  duration: 10m
  pool: {{memory: 9GiB}}
  domains:
    - {{name: spare, memory: 4GiB, page: 4KiB, speed: 256MiB, used: {{points: [[0s, 700MiB]]}}, loan: 2GiB}}
    - {{name: idle, memory: 4GiB, page: 4KiB, speed: 256MiB, used: {{points: [[0s, 900MiB]]}}, loan: 2GiB}}
    - {{name: busy, memory: 3GiB, page: 4KiB, speed: 256MiB, used: {{points: [[0s, 1GiB], [120s, 1GiB], [180s, 2600MiB], [300s, 2600MiB], [310s, 1GiB]]}}, loan: 1GiB}}
  events: [{}]
)",
                                         policy, events);
    return settings_of(parse_config(text, "crowded.yaml"));
}

// What is broken by a tick, in words; empty if nothing is.
std::string broken(const Snapshot& snapshot, bool plans) {
    std::uint64_t given_back = 0;
    std::uint64_t inflated = 0;
    for (std::size_t row = 0; row < snapshot.decisions.size(); ++row) {
        const Decision& decision = snapshot.decisions[row];
        const std::string& name = snapshot.names->name[row];
        const bool inflates = decision.decided_bytes > decision.loaned_before_bytes;
        const bool deflates = decision.decided_bytes < decision.loaned_before_bytes;
        const auto is = [&](DomainFlags flag) { return has(decision.flags, flag); };
        if (inflates) inflated += decision.decided_bytes - decision.loaned_before_bytes;
        const std::uint64_t kept = less(decision.total_bytes, decision.decided_bytes);
        if (inflates && kept < decision.min_mem_bytes) return name + " is left less than min_mem";
        if (inflates && plans && kept < decision.min_mem_bytes + decision.oom_freed_bytes)
            return name + " lends what its OOM credit covers";
        if (inflates && decision.decided_bytes - decision.loaned_before_bytes > kStep)
            return name + " is asked for more than a step";
        if (inflates && decision.disabled) return name + " lends although it is disabled";
        if ((inflates || deflates) &&
            (is(DomainFlags::paused) || is(DomainFlags::migrating) || is(DomainFlags::no_driver)))
            return name + " moves although it is held";
        if (inflates && (is(DomainFlags::hotplug) || is(DomainFlags::stale_stats)))
            return name + " lends although it is held";
        const bool urgent = decision.constraint == Constraint::surge ||
                            decision.request_reason == RequestReason::guest_short ||
                            decision.disabled;
        if (deflates && !urgent)
            given_back += decision.loaned_before_bytes - decision.decided_bytes;
    }
    if (given_back > less(snapshot.host.available_bytes, kReserve) + inflated)
        return "the host is left less than its reserve";
    return {};
}

struct Rule {
    const char* name;
    const char* events;
};

// Each holds the guests with something to spare while the host is short, and ends.
constexpr Rule kRules[] = {
    {"pause", "{at: 3s, do: pause, domain: spare, lasts: 200s}"},
    {"migration", "{at: 3s, do: migrate, domain: spare, lasts: 200s}"},
    {"hotplug", "{at: 5s, do: hotplug_remove, domain: idle, size: 64MiB, lasts: 60s}"},
    {"driver gone", "{at: 10s, do: driver_gone, domain: idle, lasts: 200s}"},
    {"stale statistics", "{at: 3s, do: stats_stale, domain: spare, lasts: 100s}"},
    {"OOM", "{at: 60s, do: oom, domain: spare}, {at: 61s, do: oom, domain: spare}"},
    {"disabled", "{at: 40s, do: set, domain: idle, parameter: disable, value: 1}"},
    {"larger minimum", "{at: 50s, do: set, domain: spare, parameter: min_mem_mb, value: 3000}"},
};

// What stays lent at the end: guests with 11 GiB in all, less what is unplugged, and the reserve on
// a host of 9 GiB.
std::uint64_t lacking_bytes(const Rule& rule) {
    const std::uint64_t unplugged = std::string(rule.name) == "hotplug" ? 64 * kMiB : 0;
    return 2 * kGiB - unplugged + kReserve;
}

}  // namespace

TEST_CASE("every safety rule holds under every policy, also across a crash of the daemon") {
    int full = 0;
    for (const PolicyEntry& entry : policy_catalogue()) {
        for (const Rule& rule : kRules) {
            INFO(entry.name << ", " << rule.name);
            WholeLoop loop(crowded_host(entry.name, rule.events));
            std::string first_broken;
            const auto check = [&](const Snapshot& snapshot, Duration at) {
                const std::string words = broken(snapshot, plans_loans(entry.kind));
                if (!words.empty() && first_broken.empty())
                    first_broken =
                        fmt::format("{} s: {}", at / Duration(std::chrono::seconds(1)), words);
            };
            loop.run_until(100s, check);
            loop.crash();
            loop.run_until(400s, check);
            CHECK(first_broken == "");
            // Policies that set nothing leave the guests the loans that they came with.
            const std::uint64_t lent = loop.lent_after_stop();
            if (lent != 0) CHECK(lent == lacking_bytes(rule));
            full += lent != 0 ? 1 : 0;
        }
    }
    CHECK(full > 0);
}

TEST_CASE("without the gate, held guests are moved") {
    RuleSet open;
    open.gate = [](DomainControl&, DomainFlags, Time, const GateRules&) noexcept {
        return GateAnswer{};
    };
    int seen = 0;
    for (const Rule& rule : kRules) {
        if (std::string(rule.name) == "OOM" || std::string(rule.name) == "disabled" ||
            std::string(rule.name) == "larger minimum")
            continue;
        WholeLoop loop(crowded_host("fixed", rule.events), open);
        bool any = false;
        loop.run_until(100s, [&](const Snapshot& snapshot, Duration) {
            any = any || !broken(snapshot, false).empty();
        });
        INFO(rule.name);
        CHECK(any);
        ++seen;
    }
    CHECK(seen == 5);
}

TEST_CASE("without the bounds of min_mem and credit, guests lend what is theirs") {
    RuleSet unbounded;
    unbounded.planned = unbounded.target = [](const CmmInputs& in, const CmmSafeguards&) noexcept {
        const auto loaned = static_cast<std::int64_t>(in.loaned_pages);
        const std::int64_t wanted = std::max<std::int64_t>(in.request_pages + loaned, 0);
        return CmmTarget{static_cast<std::uint64_t>(wanted), Constraint::none};
    };
    int violations = 0;
    for (const PolicyEntry& entry : policy_catalogue()) {
        WholeLoop without(crowded_host(entry.name,
                                       "{at: 3s, do: set, domain: spare, parameter: min_mem_mb, "
                                       "value: 3900}, {at: 4s, do: oom, domain: idle}"),
                          unbounded);
        without.run_until(400s, [&](const Snapshot& snapshot, Duration) {
            if (!broken(snapshot, plans_loans(entry.kind)).empty()) ++violations;
        });
    }
    CHECK(violations > 0);
}
