#include "policy/memory_targets.h"

#include <catch2/catch.hpp>
#include <cmath>

using namespace ballast;

namespace {

DomainTable one(std::uint64_t total, std::uint64_t loaned) {
    DomainTable domains;
    domains.resize(1);
    domains.page_shift = {12};
    domains.total_bytes = {total};
    domains.loaned_bytes = {loaned};
    return domains;
}

std::int64_t request(const DomainTable& domains, double target, const PolicyInputs& inputs = {}) {
    std::vector<MemoryTarget> targets(1);
    targets[0].set(target);
    std::int64_t bytes = 0;
    write_requests(domains, inputs, targets, {&bytes, 1});
    return bytes;
}

}  // namespace

TEST_CASE("a memory target becomes a request for the difference, in whole pages") {
    CHECK(request(one(100 << 12, 10 << 12), 80 << 12) == 10 << 12);
    CHECK(request(one(100 << 12, 30 << 12), 80 << 12) == -(10 << 12));
    CHECK(request(one(100 << 12, 0), (80 << 12) + 1) == 19 << 12);
    CHECK(request(one(100 << 12, 40 << 12), 1e30) == -(40 << 12));
    CHECK(request(one(100 << 12, 0), -1e30) == 100 << 12);
    CHECK(request(one(100 << 12, 0), NAN) == 100 << 12);
    CHECK(request(one(UINT64_MAX, UINT64_MAX), 0) == -0xfff);
}

TEST_CASE("a row without a target, or one that is held, is asked for nothing") {
    const DomainTable domains = one(100 << 12, 10 << 12);
    std::vector<MemoryTarget> targets(1);
    std::int64_t bytes = 5;
    write_requests(domains, {}, targets, {&bytes, 1});
    CHECK(bytes == 0);
    const std::vector<std::uint8_t> held{1};
    targets[0].set(4096);
    bytes = 5;
    write_requests(domains, {.held = held}, targets, {&bytes, 1});
    CHECK(bytes == 0);
    // It begins anew when it is let go.
    write_requests(domains, {}, targets, {&bytes, 1});
    CHECK(bytes == 0);
}

TEST_CASE("what a guest uses is what it could not give up at once, as far as it tells") {
    DomainTable domains = one(1000, 200);
    CHECK(guest_used_bytes(domains, 0) == std::nullopt);
    domains.unused_bytes[0] = 100;
    CHECK(guest_used_bytes(domains, 0) == 700);
    domains.cache_bytes[0] = 300;
    CHECK(guest_used_bytes(domains, 0) == 400);
    domains.cache_bytes[0] = UINT64_MAX - 1;
    CHECK(guest_used_bytes(domains, 0) == 0);
    domains.usable_bytes[0] = 650;
    CHECK(guest_used_bytes(domains, 0) == 150);
    domains.usable_bytes[0] = 5000;
    CHECK(guest_used_bytes(domains, 0) == 0);
}

TEST_CASE("what the host is to keep for others is not free") {
    Observation seen;
    CHECK(host_free_bytes(seen, {}) == std::nullopt);
    seen.host.available_bytes = 1000;
    CHECK(host_free_bytes(seen, {.host_reserve_bytes = 300}) == 700);
    CHECK(host_free_bytes(seen, {.host_reserve_bytes = 3000}) == 0);
}
