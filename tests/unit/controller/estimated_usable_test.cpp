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

TEST_CASE("free memory and page cache stand in for MemAvailable") {
    CHECK(usable_of(table(100 * kMiB, 50 * kMiB, kUnknownBytes)) == 150 * kMiB);
    CHECK(usable_of(table(100 * kMiB, kUnknownBytes, kUnknownBytes)) == 100 * kMiB);
    // What is told stands, and nothing is made up.
    CHECK(usable_of(table(100 * kMiB, 50 * kMiB, 20 * kMiB)) == 20 * kMiB);
    CHECK(usable_of(table(kUnknownBytes, 50 * kMiB, kUnknownBytes)) == kUnknownBytes);
    // No more than the guest has.
    CHECK(usable_of(table(900 * kMiB, 900 * kMiB, kUnknownBytes)) == kGiB);
    CHECK(usable_of(table(300 * kMiB, kUnknownBytes - 1, kUnknownBytes)) == kGiB);
    CHECK(usable_of(table(2 * kGiB, kUnknownBytes, kUnknownBytes)) == kGiB);
}

TEST_CASE("a guest without MemAvailable that runs short has everything back") {
    const log::Redirect quiet{[](log::Level, std::string_view) {}};
    Bench bench(fixed_settings(200 * 1024));
    bench.backend.add("old", kGiB);
    bench.backend.table.unused_bytes[0] = 600 * kMiB;
    bench.tick();
    REQUIRE(bench.tick()->decisions[0].loaned_before_bytes == 200 * kMiB);
    bench.backend.table.unused_bytes[0] = 8 * kMiB;
    const auto snapshot = bench.tick();
    CHECK(snapshot->decisions[0].constraint == Constraint::surge);
    CHECK(snapshot->decisions[0].decided_bytes == 0);
    CHECK(snapshot->decisions[0].usable_bytes == 8 * kMiB);
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
