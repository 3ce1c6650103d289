// Policy ballast on a host with several NUMA nodes, and guests that are bound to some of them.
#include "policy/node_pools.h"

#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/saturating.h"
#include "base/units.h"
#include "policy/ballast_policy.h"

using namespace ballast;

namespace {

constexpr std::uint64_t kNode0 = 1;
constexpr std::uint64_t kNode1 = 2;

struct Guest {
    std::uint64_t nodes = 0;
    std::uint64_t total_bytes = 4 * kGiB;
    std::uint64_t used_bytes = kGiB;
};

// Nodes of 16 GiB each; what guests keep comes from the first node that they may use, and
// `others[node]` is what other programs hold there. Balloons follow at once.
struct NumaHost {
    NumaHost(std::vector<Guest> all, std::vector<std::uint64_t> others_bytes,
             std::uint64_t node_bytes = 16 * kGiB)
        : guests(std::move(all)), others(std::move(others_bytes)), node_total(node_bytes) {
        DomainTable& domains = seen.domains;
        domains.resize(guests.size());
        requests.resize(guests.size());
        for (std::size_t row = 0; row < guests.size(); ++row) {
            domains.name[row] = "g" + std::to_string(row);
            domains.key[row] = key_from_name(domains.name[row]);
            domains.total_bytes[row] = guests[row].total_bytes;
            domains.node_mask[row] = guests[row].nodes;
            domains.major_faults[row] = 0;
        }
        domains.membership = 1;
        tell();
    }
    void tick() {
        policy.request(seen, {}, requests);
        for (std::size_t row = 0; row < guests.size(); ++row) {
            std::uint64_t& loaned = seen.domains.loaned_bytes[row];
            moved_bytes += static_cast<std::uint64_t>(std::abs(requests[row]));
            loaned = static_cast<std::uint64_t>(static_cast<std::int64_t>(loaned) + requests[row]);
        }
        seen.at += std::chrono::seconds(1);
        tell();
    }
    void run(int seconds) {
        for (int i = 0; i < seconds; ++i) tick();
    }
    void tell() {
        DomainTable& domains = seen.domains;
        std::vector<std::uint64_t> held = others;
        for (std::size_t row = 0; row < guests.size(); ++row) {
            const std::uint64_t kept = domains.total_bytes[row] - domains.loaned_bytes[row];
            domains.usable_bytes[row] = less(kept, guests[row].used_bytes);
            domains.unused_bytes[row] = domains.usable_bytes[row];
            domains.cache_bytes[row] = 0;
            domains.resident_bytes[row] = kept;
            const std::size_t node =
                guests[row].nodes == 0
                    ? others.size() - 1
                    : static_cast<std::size_t>(std::countr_zero(guests[row].nodes));
            held[node] += kept;
        }
        seen.host = {};
        seen.host.total_bytes = seen.host.available_bytes = 0;
        for (std::size_t node = 0; node < others.size(); ++node) {
            const std::uint64_t available = less(node_total, held[node]);
            seen.host.nodes.push_back(
                {static_cast<std::uint32_t>(node), node_total, available, available});
            seen.host.total_bytes += node_total;
            seen.host.available_bytes += available;
        }
    }
    std::uint64_t lent(std::size_t row) const { return seen.domains.loaned_bytes[row]; }
    double available_share(std::size_t node) const {
        return static_cast<double>(seen.host.nodes[node].available_bytes) /
               static_cast<double>(node_total);
    }

    std::vector<Guest> guests;
    std::vector<std::uint64_t> others;
    std::uint64_t node_total;
    BallastPolicy policy{BallastSettings{}};
    Observation seen;
    std::vector<std::int64_t> requests;
    std::uint64_t moved_bytes = 0;
};

}  // namespace

TEST_CASE("what a full node lacks is collected from the guests that are bound to it") {
    // Node 0 is full, node 1 nearly empty.
    NumaHost host({{kNode0}, {kNode0}, {kNode1}, {0}}, {8 * kGiB, 0});
    bool is_named = false;
    for (int i = 0; i < 65; ++i) {
        host.tick();
        is_named = is_named || host.policy.reasons()[0] == RequestReason::node_lacks;
    }
    CHECK(is_named);
    CHECK(host.available_share(0) >= 0.0199);
    CHECK(host.lent(0) > 0);
    CHECK(host.lent(1) > 0);
    // Nothing of the others would help.
    CHECK(host.lent(2) == 0);
    CHECK(host.lent(3) == 0);
}

TEST_CASE("guests on a full node rest under a constant load") {
    for (const std::uint64_t others : {8 * kGiB, 9 * kGiB, 10 * kGiB, 8 * kGiB - 100 * kMiB}) {
        NumaHost host({{kNode0}, {kNode0}, {kNode1}}, {others, 0});
        host.run(1200);
        host.moved_bytes = 0;
        host.run(600);
        INFO(others);
        CHECK(host.moved_bytes == 0);
        CHECK(host.lent(0) > 0);
    }
}

TEST_CASE("what was lent for a node goes back once the node has plenty") {
    NumaHost host({{kNode0}, {kNode1}}, {12 * kGiB, 0});
    host.run(60);
    REQUIRE(host.lent(0) > 0);
    host.others[0] = 0;
    host.tell();
    host.run(600);
    CHECK(host.lent(0) == 0);
}

TEST_CASE("a guest on a full node that runs short is served all the same") {
    NumaHost host({{kNode0}, {kNode0}}, {8 * kGiB, 0});
    host.run(60);
    REQUIRE(host.lent(0) > 0);
    host.guests[0].used_bytes = 3900 * kMiB;
    host.tell();
    host.run(5);
    CHECK(host.lent(0) == 0);
}

TEST_CASE("a guest that may use several nodes is bound by all of them together") {
    // Node 0 is full and node 1 has plenty: such a guest lacks nothing.
    NumaHost host({{kNode0 | kNode1}}, {12 * kGiB, 0, 0});
    host.run(60);
    CHECK(host.lent(0) == 0);
    // Both are full.
    host.others = {12 * kGiB, 16 * kGiB, 0};
    host.tell();
    host.run(60);
    CHECK(host.lent(0) > 0);
}

TEST_CASE("pools are the sets of nodes that guests are bound to, as far as they are known") {
    Observation seen;
    seen.host.nodes = {{0, 100, 10, 10}, {1, 100, 20, 20}, {2, 100, 30, kUnknownBytes}};
    seen.domains.resize(7);
    seen.domains.node_mask = {0b11, 0b1, 0b1, 0, 0b111, 0b100, 0b1000};
    NodePools pools;
    pools.follow(seen);
    REQUIRE(pools.pools().size() == 2);
    CHECK(pools.pools()[0].mask == 0b1);
    CHECK(pools.pools()[0].available_bytes == 10);
    CHECK(pools.pools()[1].mask == 0b11);
    CHECK(pools.pools()[1].total_bytes == 200);
    CHECK(pools.pools()[1].available_bytes == 30);
    CHECK(pools.pools()[1].holds(0b1));
    CHECK_FALSE(pools.pools()[0].holds(0b11));
    CHECK_FALSE(pools.pools()[1].holds(0));
    // One node is no choice.
    seen.host.nodes.resize(1);
    pools.follow(seen);
    CHECK(pools.pools().empty());
}
