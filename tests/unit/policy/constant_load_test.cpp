// What each policy makes of guests whose load never changes: does it come to rest?
#include <catch2/catch.hpp>
#include <random>

#include "toy_host.h"

using namespace ballast;
using namespace ballast::test;

namespace {

// A host of 16 GiB with four guests of 4 GiB, which together use half of it.
ToyHost half_used() {
    return {16 * kGiB, kGiB, {{}, {.used_bytes = 2 * kGiB}, {.used_bytes = 3 * kGiB}, {}}};
}

// How far the guests' memory goes up and down, all together, over ten minutes after half an hour.
std::uint64_t unrest_bytes(const PolicyChoice& choice, ToyHost host) {
    const auto policy = *make_policy(choice);
    host.run(*policy, 1800);
    std::uint64_t moved = 0;
    for (int second = 0; second < 600; ++second) {
        const auto before = host.guests;
        host.run(*policy, 1);
        for (std::size_t row = 0; row < before.size(); ++row)
            moved += std::max(before[row].loaned_bytes, host.guests[row].loaned_bytes) -
                     std::min(before[row].loaned_bytes, host.guests[row].loaned_bytes);
    }
    return moved;
}

std::uint64_t unrest_bytes(PolicyKind kind, ToyHost host) {
    return unrest_bytes(default_choice(kind), std::move(host));
}

// Guests of any size and load, on a host that has too much, enough or far too little for them.
ToyHost any_host(std::mt19937_64& random) {
    const auto between = [&](std::uint64_t least, std::uint64_t most) {
        return std::uniform_int_distribution<std::uint64_t>(least, most)(random);
    };
    std::vector<ToyGuest> guests(between(1, 8));
    std::uint64_t all_bytes = 0;
    for (ToyGuest& guest : guests) {
        guest.total_bytes = between(kGiB, 16 * kGiB) & ~(kMiB - 1);
        guest.used_bytes = guest.total_bytes / 100 * between(2, 100);
        guest.cache_bytes = guest.total_bytes / 100 * between(0, 100);
        guest.min_mem_bytes = 256 * kMiB;
        if (between(0, 3) == 0) guest.shares = static_cast<std::uint32_t>(between(0, 10000));
        all_bytes += guest.total_bytes;
    }
    const std::uint64_t host_bytes = all_bytes / 100 * between(30, 130);
    return {host_bytes, host_bytes / 100 * between(0, 10), guests};
}

}  // namespace

TEST_CASE("ballast comes to rest under any constant load, and leaves every guest what it uses") {
    std::mt19937_64 random(20);
    // That it tries for hours with ever less cache is no unrest.
    PolicyChoice choice = default_choice(PolicyKind::ballast);
    const auto parameters = entry_of(PolicyKind::ballast).parameters;
    for (std::size_t i = 0; i < parameters.size(); ++i)
        if (parameters[i].name == "cache_relax_percent_per_h") choice.numbers[i] = 0;
    REQUIRE(number_of(choice, "cache_relax_percent_per_h") == 0);
    for (int i = 0; i < 300; ++i) {
        INFO("host " << i);
        ToyHost host = any_host(random);
        CHECK(unrest_bytes(choice, host) == 0);
        host.run(*policy_of(PolicyKind::ballast), 1800);
        for (const ToyGuest& guest : host.guests) CHECK(guest.kept_bytes() >= guest.used_bytes);
    }
}

// docs/policies.md tells it of each.
TEST_CASE("all but mom, proxmox and psi come to rest under any constant load") {
    for (const PolicyEntry& entry : policy_catalogue()) {
        // These two follow the hypervisor and an operator; `ballast` has a test of its own.
        if (entry.kind == PolicyKind::cmm || entry.kind == PolicyKind::fixed ||
            entry.kind == PolicyKind::ballast)
            continue;
        INFO(entry.name);
        std::mt19937_64 random(20);
        int restless = 0;
        for (int i = 0; i < 60; ++i) restless += unrest_bytes(entry.kind, any_host(random)) > 0;
        const bool hunts = entry.kind == PolicyKind::mom || entry.kind == PolicyKind::proxmox ||
                           entry.kind == PolicyKind::psi;
        CHECK((restless > 0) == hunts);
    }
    CHECK(unrest_bytes(PolicyKind::proxmox, half_used()) == 0);
}

TEST_CASE("mom hunts around its threshold for ever, and psi probes for ever") {
    // Some 5 % of a guest every 10 s.
    CHECK(unrest_bytes(PolicyKind::mom, half_used()) > 2 * kGiB);
    // 1 % of a guest every 6 s, and back.
    CHECK(unrest_bytes(PolicyKind::psi, half_used()) > 100 * kMiB);
}

TEST_CASE("on a host with room enough only hyperv and psi take anything") {
    const auto lent = [](PolicyKind kind) {
        ToyHost host(64 * kGiB, kGiB, {{}, {}});
        host.run(*policy_of(kind), 600);
        return host.guests[0].loaned_bytes;
    };
    for (const PolicyKind kind : {PolicyKind::still, PolicyKind::mom, PolicyKind::proxmox,
                                  PolicyKind::qmemman, PolicyKind::esx}) {
        INFO(entry_of(kind).name);
        CHECK(lent(kind) == 0);
    }
    for (const PolicyKind kind : {PolicyKind::hyperv, PolicyKind::psi}) {
        INFO(entry_of(kind).name);
        CHECK(lent(kind) > 0);
    }
}
