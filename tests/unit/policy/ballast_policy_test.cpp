#include "policy/ballast_policy.h"

#include <catch2/catch.hpp>

#include "base/units.h"

using namespace ballast;

namespace {

// A host of 16 GiB with guests of 8 GiB each, looked at every ten seconds; all balloons follow at
// once. A third guest is silent and has touched nothing yet of what it may use.
struct Host {
    explicit Host(std::uint64_t may_come_bytes = 16 * kGiB, const BallastSettings& settings = {})
        : policy(settings) {
        seen.host.total_bytes = 16 * kGiB;
        seen.host.available_bytes = 8 * kGiB;
        add("a");
        add("b");
        add("silent");
        DomainTable& table = seen.domains;
        table.total_bytes[2] = may_come_bytes;
        table.flags[2] = DomainFlags::no_stats;
        table.resident_bytes[2] = 0;
        // Figures are not acted on at first sight.
        std::vector<std::int64_t> requests(table.size());
        policy.request(seen, {}, requests);
    }
    void add(const char* name) {
        DomainTable& table = seen.domains;
        const std::size_t row = table.size();
        table.resize(row + 1);
        ++table.membership;
        table.key[row] = key_from_name(name);
        table.name[row] = name;
        table.total_bytes[row] = 8 * kGiB;
        table.major_faults[row] = 0;
        use(row, 2 * kGiB);
    }
    // The rest of what it keeps is page cache.
    void use(std::size_t row, std::uint64_t bytes) {
        DomainTable& table = seen.domains;
        used.resize(table.size());
        used[row] = bytes;
        const std::uint64_t kept = table.total_bytes[row] - table.loaned_bytes[row];
        table.usable_bytes[row] = kept > bytes ? kept - bytes : 0;
        table.cache_bytes[row] = table.usable_bytes[row];
        table.unused_bytes[row] = 0;
        table.resident_bytes[row] = kept;
    }
    // What was asked, row by row; then it is so.
    std::vector<std::int64_t> tick() {
        seen.at += std::chrono::seconds(10);
        std::vector<std::int64_t> requests(seen.domains.size());
        PolicyInputs inputs;
        inputs.host_reserve_bytes = reserve;
        inputs.reserved_bytes = reserved;
        inputs.short_below_bytes = short_below;
        inputs.short_below_percent = 10;
        inputs.held = held;
        policy.request(seen, inputs, requests);
        for (std::size_t row = 0; row < 2; ++row) {
            seen.domains.loaned_bytes[row] += static_cast<std::uint64_t>(requests[row]);
            use(row, used[row]);
        }
        return requests;
    }
    std::uint64_t kept(std::size_t row) const {
        return seen.domains.total_bytes[row] - seen.domains.loaned_bytes[row];
    }

    Observation seen;
    BallastPolicy policy;
    std::uint64_t reserve = 0;
    std::uint64_t reserved = 0;
    std::uint64_t short_below = 0;
    std::vector<std::uint8_t> held;
    std::vector<std::uint64_t> used;
};

const std::vector<std::int64_t> kNothing{0, 0, 0};

}  // namespace

TEST_CASE("ballast: nothing is lent where the host has enough") {
    Host host;
    for (int i = 0; i < 100; ++i) CHECK(host.tick() == kNothing);
}

TEST_CASE("ballast: a host that is short gets what it lacks, from whoever has the most room") {
    Host host;
    host.use(1, 6 * kGiB);
    host.seen.host.available_bytes = 0;
    const auto asked = host.tick();
    const auto goal = static_cast<std::int64_t>(16 * kGiB / 50);
    CHECK(asked[0] >= goal - static_cast<std::int64_t>(8 * kMiB));
    CHECK(asked[0] <= goal + static_cast<std::int64_t>(8 * kMiB));
    CHECK(asked[1] == 0);
}

TEST_CASE("ballast: what the host is to keep for others counts as gone") {
    Host host;
    host.reserve = 8 * kGiB;
    CHECK(host.tick()[0] > 0);
}

TEST_CASE("ballast: nobody is left with less than he uses, his cache and some room") {
    Host host;
    for (int i = 0; i < 50; ++i) {
        host.seen.host.available_bytes = 0;
        host.tick();
    }
    for (const std::size_t row : {0U, 1U}) {
        CHECK(host.kept(row) >= 2 * kGiB + 2 * kGiB / 10 + 8 * kGiB / 100);
        CHECK(host.kept(row) < 3 * kGiB);  // and not with much more
    }
}

// The host is to keep more than they can give, and those with plenty give it; but no guest is
// brought near its edge for memory that no guest could take.
TEST_CASE("ballast: guests keep a comfortable room where all that they have fits into the host") {
    Host host(0);
    const bool reserved = GENERATE(false, true);
    for (int i = 0; i < 50; ++i) {
        host.seen.host.available_bytes = 16 * kGiB - host.kept(0) - host.kept(1);
        host.reserve = 14 * kGiB;
        if (reserved) host.reserved = host.reserve;  // but for somebody who waits for memory
        host.tick();
    }
    for (const std::size_t row : {0U, 1U}) {
        CHECK(host.kept(row) < 5 * kGiB);
        CHECK((host.kept(row) >= 2 * kGiB + 8 * kGiB / 5) == !reserved);
    }
}

TEST_CASE("ballast: room is evened out before anybody is near his edge") {
    Host host;
    host.seen.domains.loaned_bytes[0] = 5 * kGiB;  // 3 GiB, of which it uses 2
    host.use(0, 2 * kGiB);
    host.use(1, 3 * kGiB);
    const auto tick = [&] {
        // Beyond the goal there is nothing to spare, but what is lent.
        const std::uint64_t lent = 16 * kGiB - host.kept(0) - host.kept(1);
        host.seen.host.available_bytes = 16 * kGiB / 30 + lent - 5 * kGiB;
        return host.tick();
    };
    // What the host has at once; the rest comes from the other first.
    const auto asked = tick();
    CHECK(asked[0] < 0);
    CHECK(asked[0] >= -static_cast<std::int64_t>(16 * kGiB / 30));
    CHECK(asked[1] > 0);
    for (int i = 0; i < 10; ++i) tick();
    CHECK(host.kept(0) > 3 * kGiB + kGiB / 4);
    CHECK(host.kept(0) < 5 * kGiB);
    for (int i = 0; i < 100; ++i) CHECK(tick() == kNothing);
}

TEST_CASE("ballast: a guest that grows has memory at once, however short the host is") {
    Host host;
    for (int i = 0; i < 10; ++i) {
        host.seen.host.available_bytes = 0;
        host.tick();
    }
    const std::uint64_t before = host.kept(0);
    host.use(0, before - 16 * kMiB);
    CHECK(host.tick()[0] < 0);
    CHECK(host.kept(0) > before + 80 * kMiB);
}

TEST_CASE("ballast: cache that is read back again and again is left alone") {
    const bool reads_back = GENERATE(false, true);
    Host host;
    for (int i = 0; i < 200; ++i) {
        host.seen.host.available_bytes = 0;
        host.tick();
        // Whoever keeps less than 4 GiB reads a hundred MiB a tick.
        if (reads_back && host.kept(0) < 4 * kGiB) host.seen.domains.major_faults[0] += 25600;
    }
    CHECK((host.kept(0) > 3 * kGiB) == reads_back);
}

TEST_CASE("ballast: under a constant load nothing moves") {
    Host host;
    host.seen.host.available_bytes = 0;
    host.tick();
    host.seen.host.available_bytes = 16 * kGiB / 30;
    std::size_t moves = 0;
    for (int i = 0; i < 1000; ++i) moves += host.tick() == kNothing ? 0 : 1;
    CHECK(moves == 0);
}

TEST_CASE("ballast: what was lent goes back slowly once the host has plenty") {
    Host host;
    host.seen.host.available_bytes = 0;
    for (int i = 0; i < 20; ++i) host.tick();
    const std::uint64_t before = host.kept(0) + host.kept(1);
    host.seen.host.available_bytes = 8 * kGiB;
    host.tick();
    const std::uint64_t after = host.kept(0) + host.kept(1);
    CHECK(after > before);
    CHECK(after < before + kGiB);
    for (int i = 0; i < 200; ++i) host.tick();
    CHECK(host.kept(0) == 8 * kGiB);
}

TEST_CASE("ballast: who does not tell what he uses, or is held, is left alone") {
    Host host;
    host.seen.host.available_bytes = 0;
    SECTION("no figures") {
        host.seen.domains.flags[0] = DomainFlags::stale_stats;
    }
    SECTION("held") {
        host.held = {1, 0, 0};
    }
    const auto asked = host.tick();
    CHECK(asked[0] == 0);
    CHECK(asked[1] > 0);
}

TEST_CASE("ballast: nobody is left so little that the daemon would give him all back at once") {
    const bool told = GENERATE(true, false);
    BallastSettings settings;
    settings.working_set.cache_share = 0;
    Host host(16 * kGiB, settings);
    host.short_below = told ? 2 * kGiB : 0;
    host.use(0, 6 * kGiB);
    for (int i = 0; i < 50; ++i) {
        host.seen.host.available_bytes = 0;
        host.tick();
    }
    const std::uint64_t usable = host.kept(0) - 6 * kGiB;
    CHECK(host.kept(0) < 8 * kGiB);
    CHECK((usable >= host.kept(0) / 10) == told);
}

TEST_CASE(
    "ballast: who falls silent is not taken from, and has back what he lent once there is plenty") {
    Host host;
    for (int i = 0; i < 10; ++i) {
        host.seen.host.available_bytes = 0;
        host.tick();
    }
    const std::uint64_t kept = host.kept(0);
    REQUIRE(kept < 7 * kGiB);
    host.seen.domains.flags[0] = DomainFlags::stale_stats;
    host.seen.host.available_bytes = 0;
    host.tick();
    CHECK(host.kept(0) == kept);
    host.seen.host.available_bytes = 8 * kGiB;
    for (int i = 0; i < 300; ++i) host.tick();
    CHECK(host.kept(0) == 8 * kGiB);
}

TEST_CASE("ballast: swap that was in use before the first look is no shortage of now") {
    Host host;
    host.seen.host.swap_total_bytes = 16 * kGiB;
    host.seen.host.swap_free_bytes = 6 * kGiB;
    CHECK(host.tick() == kNothing);
    host.seen.host.swap_free_bytes = 2 * kGiB;
    host.seen.host.available_bytes = kGiB;
    CHECK(host.tick() != kNothing);
}
