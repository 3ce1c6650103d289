// What each policy makes of guests whose load never changes: does it come to rest?
#include <catch2/catch.hpp>

#include "toy_host.h"

using namespace ballast;
using namespace ballast::test;

namespace {

// A host of 16 GiB with four guests of 4 GiB, which together use half of it.
ToyHost half_used() {
    return {16 * kGiB, kGiB, {{}, {.used_bytes = 2 * kGiB}, {.used_bytes = 3 * kGiB}, {}}};
}

// How far the guests' memory goes up and down, all together, over ten minutes after half an hour.
std::uint64_t unrest_bytes(PolicyKind kind, ToyHost host) {
    const auto policy = policy_of(kind);
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

}  // namespace

TEST_CASE("proxmox, qmemman, esx and hyperv come to rest under a constant load") {
    for (const PolicyKind kind :
         {PolicyKind::proxmox, PolicyKind::qmemman, PolicyKind::esx, PolicyKind::hyperv}) {
        INFO(entry_of(kind).name);
        CHECK(unrest_bytes(kind, half_used()) == 0);
    }
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
