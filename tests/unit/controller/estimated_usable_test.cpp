// Guests that tell free memory and no MemAvailable.
#include <catch2/catch.hpp>

#include "base/log.h"
#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;

namespace {

DomainTable table(std::uint64_t unused, std::uint64_t cache, std::uint64_t usable) {
    DomainTable domains;
    domains.resize(1);
    domains.total_bytes[0] = kGiB;
    domains.unused_bytes[0] = unused;
    domains.cache_bytes[0] = cache;
    domains.usable_bytes[0] = usable;
    return domains;
}

std::uint64_t usable_of(DomainTable domains) {
    estimate_usable(domains);
    return domains.usable_bytes[0];
}

}  // namespace

TEST_CASE("what is unused beyond what Linux keeps free stands in for MemAvailable") {
    const std::uint64_t linux_keeps = kept_free_by_linux(kGiB);
    CHECK(usable_of(table(500 * kMiB, kUnknownBytes, kUnknownBytes)) == 500 * kMiB - linux_keeps);
    CHECK(usable_of(table(linux_keeps, kUnknownBytes, kUnknownBytes)) == 0);
    CHECK(usable_of(table(0, kUnknownBytes, kUnknownBytes)) == 0);
    // Page cache may be files in memory, which cannot be dropped.
    CHECK(usable_of(table(500 * kMiB, 400 * kMiB, kUnknownBytes)) == 500 * kMiB - linux_keeps);
    // What is reported stands, and nothing is made up.
    CHECK(usable_of(table(100 * kMiB, 50 * kMiB, 20 * kMiB)) == 20 * kMiB);
    CHECK(usable_of(table(kUnknownBytes, 50 * kMiB, kUnknownBytes)) == kUnknownBytes);
    // No more than the guest has.
    CHECK(usable_of(table(2 * kGiB, kUnknownBytes, kUnknownBytes)) == kGiB - linux_keeps);
}

// Sums of the zones' high watermarks and largest protections, less what is reclaimable: MemFree
// less MemAvailable of idle guests with Linux 6.1, with 9 MiB of slab added that they count as
// available.
TEST_CASE("Linux keeps no more free than it is taken to keep") {
    const auto [mib, kept_free_kib] = GENERATE(table<std::uint64_t, std::uint64_t>({
        {256, 194956 - 198148 + 9032},
        {384, 323088 - 324416 + 9016},
        {512, 451916 - 451632 + 9016},
        {1024, 958408 - 891552 + 9016},
        {2048, 1987884 - 1917000 + 9016},
        {4096, 3980732 - 3861012 + 9024},
    }));
    CHECK(kept_free_by_linux(mib * kMiB) >= kept_free_kib * kKiB);
    // It is not so much that such guests could lend nothing.
    CHECK(kept_free_by_linux(mib * kMiB) < mib * kMiB / 8);
}

// min_free_kbytes of guests with Linux 6.1: with less unused they kill programs.
TEST_CASE("a guest without MemAvailable has everything back before its kernel kills programs") {
    const auto [mib, least_free_kib] = GENERATE(table<std::uint64_t, std::uint64_t>(
        {{384, 2340}, {512, 2746}, {1024, 45056}, {2048, 45056}, {4096, 67584}}));
    // Its programs' own memory, or files in its memory, which count as page cache.
    const bool is_cache = GENERATE(false, true);
    CAPTURE(mib, is_cache);
    const log::Redirect quiet{[](log::Level, std::string_view) {}};
    const std::uint64_t total = mib * kMiB;
    Bench bench(fixed_settings(mib / 2 * 1024));
    bench.settings.cmm.min_mem_mb = 64;
    bench.backend.add("old", total);
    DomainTable& guests = bench.backend.table;
    std::uint64_t in_use = 64 * kMiB;
    const auto unused = [&] { return total - guests.loaned_bytes[0] - in_use; };
    guests.unused_bytes[0] = unused();
    bench.tick();
    REQUIRE(guests.loaned_bytes[0] > mib / 3 * kMiB);
    std::uint64_t least_unused = total;
    bool surged = false;
    while (in_use < total / 2 + 100 * kMiB && !surged) {
        // As reported up to a second ago.
        guests.unused_bytes[0] = unused();
        guests.cache_bytes[0] = is_cache ? in_use : 0;
        in_use += 10 * kMiB;
        REQUIRE(unused() > least_free_kib * kKiB);
        least_unused = std::min(least_unused, unused());
        surged = bench.tick()->decisions[0].constraint == Constraint::surge;
    }
    CHECK(surged);
    CHECK(guests.loaned_bytes[0] == 0);
    // Two more seconds for the guest to take it.
    CHECK(least_unused > least_free_kib * kKiB + 20 * kMiB);
}

TEST_CASE("policy ballast lends from a guest without MemAvailable") {
    Settings settings;
    settings.policy.name = "ballast";
    Bench bench(settings);
    bench.backend.host.total_bytes = 8 * kGiB;
    bench.backend.host.available_bytes = 0;
    bench.backend.add("old", 4 * kGiB);
    bench.backend.table.unused_bytes[0] = 3 * kGiB;
    for (int i = 0; i < 10; ++i) bench.tick();
    const auto snapshot = bench.tick();
    CHECK(snapshot->decisions[0].request_reason != RequestReason::silent);
    CHECK(bench.backend.table.loaned_bytes[0] > 100 * kMiB);
}
