// A guest is asked for no more than it can lend without being short at once.
#include <catch2/catch.hpp>

#include "base/saturating.h"
#include "fake_backend.h"
#include "whole_loop.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

// 1 GiB of which 600 MiB are used; asked to lend 900 MiB. It is short below 64 MiB.
struct Host {
    explicit Host(std::uint64_t surge_below_bytes = 64 * kMiB) : bench(asking(surge_below_bytes)) {
        bench.backend.add("g1", kGiB);
        use(600 * kMiB);
    }
    static Settings asking(std::uint64_t surge_below_bytes) {
        Settings settings = fixed_settings(900 * 1024);
        settings.guests.surge_below_bytes = surge_below_bytes;
        settings.cmm.min_mem_mb = 16;
        return settings;
    }
    // Figures are as of now: what is lent comes off.
    void use(std::uint64_t bytes) { used_bytes = bytes; }
    Decision tick() {
        DomainTable& table = bench.backend.table;
        table.usable_bytes[0] = less(kGiB - table.loaned_bytes[0], used_bytes);
        return bench.tick()->decisions[0];
    }
    std::uint64_t lent() const { return bench.backend.table.loaned_bytes[0]; }

    std::uint64_t used_bytes = 0;
    Bench bench;
};

}  // namespace

TEST_CASE("a loan ends a quarter above the limit below which the guest would be short") {
    Host host;
    CHECK(host.tick().constraint == Constraint::guest_needs);
    CHECK(host.lent() == (1024 - 600 - 80) * kMiB);
    for (int i = 0; i < 300; ++i) CHECK(host.tick().constraint == Constraint::guest_needs);
    CHECK(host.lent() == (1024 - 600 - 80) * kMiB);
}

TEST_CASE("without that bound the guest lends what its programs use") {
    Host host(0);
    for (int i = 0; i < 10; ++i) host.tick();
    CHECK(host.lent() == 900 * kMiB);
    CHECK(host.bench.backend.table.usable_bytes[0] == 0);
}

TEST_CASE("small changes of a guest's figures move no balloon") {
    Host host;
    host.tick();
    host.bench.backend.steps.clear();
    for (int i = 0; i < 100; ++i) {
        host.use((600 - static_cast<std::uint64_t>(i % 3)) * kMiB);
        host.tick();
    }
    CHECK(host.bench.backend.steps.empty());
    host.use(500 * kMiB);
    host.tick();
    CHECK(host.lent() == (1024 - 500 - 80) * kMiB);
}

TEST_CASE("a guest that does not report its usable memory is bounded by min_mem alone") {
    Host host;
    host.bench.backend.table.usable_bytes[0] = kUnknownBytes;
    host.bench.tick();
    CHECK(host.lent() == 900 * kMiB);
}

TEST_CASE("figures that may be of before the last move bound nothing") {
    Host host;
    host.bench.backend.table.flags[0] = DomainFlags::late_stats;
    CHECK(host.tick().constraint == Constraint::none);
    CHECK(host.lent() == 900 * kMiB);
}

TEST_CASE("a policy that ignores what guests use does not drive them out of memory") {
    const auto ooms = [](const char* surge_below) {
        const std::string text = fmt::format(R"(
mode: simulate
cmm: {{min_mem_mb: 128}}
backend: {{name: mock}}
policy: {{name: squeezed}}
guests: {{surge_below: {}}}
scenario:
  description: "One guest uses most of its memory, the other nearly nothing."
  duration: 30m
  pool: {{memory: 6GiB}}
  domains:
    - {{name: busy, memory: 4GiB, page: 4KiB, used: {{points: [[0s, 3500MiB]]}}}}
    - {{name: idle, memory: 4GiB, page: 4KiB, used: {{points: [[0s, 300MiB]]}}}}
)",
                                             surge_below);
        WholeLoop loop(settings_of(parse_config(text, "squeezed.yaml")));
        std::uint64_t credit = 0;
        loop.run_until(30min, [&](const Snapshot& snapshot, Duration) {
            credit = snapshot.decisions[0].oom_freed_bytes;
            CHECK(snapshot.decisions[0].constraint != Constraint::surge);
        });
        return credit;
    };
    CHECK(ooms("256MiB") == 0);
    CHECK(ooms("0") > 0);
}
