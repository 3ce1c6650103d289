// The peers' policies over time, on a host whose guests do what they are asked.
#include <catch2/catch.hpp>

#include "policy/esx_policy.h"
#include "policy/psi_policy.h"
#include "toy_host.h"

using namespace ballast;
using namespace ballast::test;

namespace {

double share_free(const ToyHost& host) {
    return static_cast<double>(host.free_bytes()) / static_cast<double>(host.seen.host.total_bytes);
}

}  // namespace

TEST_CASE("mom waits for its first period, then takes 5 percent a step") {
    // 12 % of the host is free.
    ToyHost host(10'000 * kMiB, 800 * kMiB, {{.total_bytes = 8000 * kMiB}});
    const auto policy = policy_of(PolicyKind::mom);
    host.run(*policy, 10);
    CHECK(host.guests[0].loaned_bytes == 0);
    host.run(*policy, 1);
    CHECK(host.guests[0].loaned_bytes == 400 * kMiB);
    host.run(*policy, 9);
    CHECK(host.guests[0].loaned_bytes == 400 * kMiB);
    host.run(*policy, 1);
    CHECK(host.guests[0].loaned_bytes == 780 * kMiB);
}

TEST_CASE("mom takes page cache for use, and leaves a guest that caches files alone") {
    const auto most_lent = [](std::uint64_t cache_bytes) {
        ToyHost host(10 * kGiB, kGiB, {{.total_bytes = 8 * kGiB, .cache_bytes = cache_bytes}});
        const auto policy = policy_of(PolicyKind::mom);
        std::uint64_t most = 0;
        for (int second = 0; second < 600; ++second) {
            host.run(*policy, 1);
            most = std::max(most, host.guests[0].loaned_bytes);
        }
        return most;
    };
    CHECK(most_lent(0) > kGiB);
    CHECK(most_lent(7 * kGiB) == 0);
}

TEST_CASE("mom makes guests swap where the host has next to nothing") {
    ToyHost host(8400 * kMiB, 400 * kMiB,
                 {{.total_bytes = 8000 * kMiB, .used_bytes = 7900 * kMiB}});
    host.run(*policy_of(PolicyKind::mom), 21);
    CHECK(host.guests[0].kept_bytes() < host.guests[0].used_bytes);
}

TEST_CASE("mom drops its cycle as long as the host does not tell") {
    ToyHost host(10 * kGiB, kGiB, {{.total_bytes = 8 * kGiB}});
    host.seen.host.total_bytes = kUnknownBytes;
    std::vector<std::int64_t> requests{1};
    const auto policy = policy_of(PolicyKind::mom);
    for (int second = 0; second < 60; ++second) {
        policy->request(host.seen, host.inputs(), requests);
        CHECK(requests[0] == 0);
        host.seen.at += std::chrono::seconds(1);
    }
}

TEST_CASE("proxmox leads the host to 80 percent, by shares") {
    ToyHost host(16 * kGiB, kGiB,
                 {{.total_bytes = 8 * kGiB, .used_bytes = 0, .shares = 1000},
                  {.total_bytes = 8 * kGiB, .used_bytes = 0, .shares = 3000}});
    const auto policy = policy_of(PolicyKind::proxmox);
    host.run(*policy, 1);
    CHECK(host.guests[0].loaned_bytes == 100 * kMiB);  // at once, by its largest step
    host.run(*policy, 1200);
    CHECK(share_free(host) == Approx(0.2).margin(0.001));
    CHECK(host.guests[0].kept_bytes() < host.guests[1].kept_bytes());
}

TEST_CASE("proxmox leaves out guests without a minimum or shares, and those that are held") {
    ToyHost host(10 * kGiB, kGiB, {{.min_mem_bytes = 0}, {.shares = 0}, {.total_bytes = kGiB}, {}});
    host.held = {0, 0, 1, 0};
    host.run(*policy_of(PolicyKind::proxmox), 100);
    CHECK(host.guests[0].loaned_bytes == 0);
    CHECK(host.guests[1].loaned_bytes == 0);
    CHECK(host.guests[2].loaned_bytes == 0);
    CHECK(host.guests[3].loaned_bytes > 0);
}

TEST_CASE("qmemman gives what is idle to those who need more than they have") {
    ToyHost host(8 * kGiB, kGiB / 2,
                 {{.used_bytes = 300 * kMiB}, {.used_bytes = 3 * kGiB, .loaned_bytes = 2 * kGiB}});
    host.run(*policy_of(PolicyKind::qmemman), 60);
    CHECK(host.guests[1].kept_bytes() > 3800 * kMiB);
    // Everything is handed out, but for some 50 MiB and what the margins lose.
    CHECK(host.free_bytes() < 200 * kMiB);
}

TEST_CASE("qmemman does not give before others have given back, and gives up on who does not") {
    ToyHost host(6 * kGiB, kGiB / 2,
                 {{.used_bytes = 300 * kMiB},
                  {.used_bytes = 3 * kGiB, .loaned_bytes = 5 * kGiB / 2 + 100 * kMiB}});
    const auto policy = policy_of(PolicyKind::qmemman);
    std::vector<std::int64_t> requests(2);
    int asked = 0;
    // Nobody moves whatever is asked.
    for (int second = 0; second < 5; ++second) {
        policy->request(host.seen, host.inputs(), requests);
        asked += requests[0] > 0 ? 1 : 0;
        CHECK(requests[1] <= 0);
        CHECK(static_cast<std::uint64_t>(-requests[1]) <= host.free_bytes());
        host.seen.at += std::chrono::seconds(1);
    }
    CHECK(asked == 5);
}

TEST_CASE("esx takes from idle guests first, and from busy ones by their shares") {
    // 2 % are free.
    const auto lent = [](ToyGuest one, ToyGuest other) {
        ToyHost host(8360 * kMiB, 0, {one, other});
        host.run(*policy_of(PolicyKind::esx), 120);
        CHECK(share_free(host) == Approx(0.06).margin(0.001));
        return std::pair(host.guests[0].loaned_bytes, host.guests[1].loaned_bytes);
    };
    const auto by_use = lent({.used_bytes = 4 * kGiB}, {.used_bytes = kGiB});
    CHECK(by_use.first == 0);
    CHECK(by_use.second > 300 * kMiB);
    const auto by_shares =
        lent({.used_bytes = 4 * kGiB, .shares = 1000}, {.used_bytes = 4 * kGiB, .shares = 2000});
    CHECK(by_shares.first > 300 * kMiB);
    CHECK(by_shares.second == 0);
}

TEST_CASE("esx gives back what it took when the host has room again") {
    ToyHost host(16 * kGiB, 0, {{.loaned_bytes = kGiB}, {.loaned_bytes = 2 * kGiB}});
    host.run(*policy_of(PolicyKind::esx), 30);
    CHECK(host.guests[0].loaned_bytes == 0);
    CHECK(host.guests[1].loaned_bytes == 0);
}

TEST_CASE("a guest that wakes up is active at once, and one that falls asleep is not idle yet") {
    ActiveShare share;
    CHECK(share.value() == 1);
    share.look(0.1);
    CHECK(share.value() == Approx(0.1));
    share.look(0.9);
    CHECK(share.value() == Approx(0.9));
    share.look(0.1);
    CHECK(share.value() == Approx(0.3));  // of the fast average, halfway from 0.5
    for (int look = 0; look < 100; ++look) share.look(0.1);
    CHECK(share.value() == Approx(0.1).margin(0.001));
}

TEST_CASE("hyperv leads guests to their demand and a fifth") {
    ToyHost host(32 * kGiB, kGiB, {{.used_bytes = 1000 * kMiB}, {.used_bytes = 100 * kMiB}});
    host.run(*policy_of(PolicyKind::hyperv), 10);
    CHECK(host.guests[0].kept_bytes() == 1200 * kMiB);
    CHECK(host.guests[1].kept_bytes() == 512 * kMiB);  // its minimum
}

TEST_CASE("hyperv shares out by weight what is too little for everyone's buffer") {
    // 7000 MiB for demands of 6000 and buffers of 1200.
    ToyHost host(7000 * kMiB, 0,
                 {{.used_bytes = 3000 * kMiB, .shares = 1000, .loaned_bytes = 1096 * kMiB},
                  {.used_bytes = 3000 * kMiB, .shares = 9000, .loaned_bytes = 1096 * kMiB}});
    host.run(*policy_of(PolicyKind::hyperv), 10);
    CHECK(host.guests[0].kept_bytes() / kMiB == Approx(3400).margin(40));
    CHECK(host.guests[1].kept_bytes() / kMiB == Approx(3600).margin(40));
    CHECK(host.free_bytes() < 60 * kMiB);
}

TEST_CASE("psi takes 1 percent from whoever does not stall, and backs off from who does") {
    CHECK(probe_share(0, 10'000, 0.01) == Approx(-0.01));
    CHECK(probe_share(500, 10'000, 0.01) == Approx(-0.01));
    CHECK(probe_share(2000, 10'000, 0.01) == Approx(-0.0025));
    CHECK(probe_share(10'000, 10'000, 0.01) == Approx(-0.0001));
    CHECK(probe_share(20'000, 10'000, 0.01) == Approx(0.01));
    CHECK(probe_share(100'000, 10'000, 0.01) == Approx(0.25));
    CHECK(probe_share(1e9, 10'000, 0.01) == 1);
    ToyHost host(16 * kGiB, kGiB, {{.used_bytes = 3 * kGiB}, {.used_bytes = kGiB / 4}});
    const auto policy = policy_of(PolicyKind::psi);
    host.run(*policy, 7);
    CHECK(host.guests[0].kept_bytes() == Approx(0.99 * 4 * kGiB).margin(8192));
    host.run(*policy, 3600);
    CHECK(host.guests[0].kept_bytes() == Approx(3 * kGiB).epsilon(0.05));
    CHECK(host.guests[1].kept_bytes() == Approx(512 * kMiB).margin(8192));
}

TEST_CASE("psi leaves alone whose faults nobody counts") {
    ToyHost host(16 * kGiB, kGiB, {{}});
    host.seen.domains.major_faults[0] = kUnknownBytes;
    std::vector<std::int64_t> requests{1};
    const auto policy = policy_of(PolicyKind::psi);
    for (int second = 0; second < 60; ++second) {
        policy->request(host.seen, host.inputs(), requests);
        CHECK(requests[0] == 0);
        host.seen.at += std::chrono::seconds(1);
    }
}

TEST_CASE("targets follow their domains to other rows") {
    for (const PolicyKind kind : {PolicyKind::mom, PolicyKind::proxmox, PolicyKind::esx}) {
        INFO(entry_of(kind).name);
        ToyHost host(
            8200 * kMiB, 0,
            {{.used_bytes = 4 * kGiB, .shares = 9000}, {.used_bytes = kGiB, .shares = 1000}});
        const auto policy = policy_of(kind);
        std::vector<std::int64_t> before(2);
        std::vector<std::int64_t> after(2);
        for (int second = 0; second < 14; ++second) {
            policy->request(host.seen, host.inputs(), before);
            host.seen.at += std::chrono::seconds(1);
        }
        REQUIRE(before[1] != before[0]);
        std::swap(host.seen.domains.key[0], host.seen.domains.key[1]);
        ++host.seen.domains.membership;
        policy->request(host.seen, host.inputs(), after);
        CHECK(after[0] == before[1]);
        CHECK(after[1] == before[0]);
    }
}
