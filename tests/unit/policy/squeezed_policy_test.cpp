#include "policy/squeezed_policy.h"

#include <catch2/catch.hpp>

#include "small_host.h"

using namespace ballast;

namespace {

std::unique_ptr<Policy> squeezed_policy() {
    return *make_policy(default_choice(PolicyKind::squeezed));
}

void run(SmallHost& host, Policy& policy, int seconds) {
    for (int i = 0; i < seconds; ++i) host.tick(policy);
}

double fraction(const SmallHost& host, std::size_t row) {
    const double least = static_cast<double>(host.min_mem[row]);
    return (static_cast<double>(host.kept(row)) - least) /
           (static_cast<double>(host.seen.domains.total_bytes[row]) - least);
}

}  // namespace

TEST_CASE("policy squeezed keeps every domain at the same fraction of its range, 72 MiB free") {
    SmallHost host(6 * kGiB, {{.total_bytes = 4 * kGiB}, {.total_bytes = 8 * kGiB}});
    const auto policy = squeezed_policy();
    run(host, *policy, 120);
    CHECK(fraction(host, 0) == Approx(fraction(host, 1)).epsilon(0.001));
    CHECK(host.seen.host.available_bytes >= 72 * kMiB);
    CHECK(host.seen.host.available_bytes < 73 * kMiB);
}

TEST_CASE("policy squeezed rests under a steady load") {
    SmallHost host(6 * kGiB, {{.total_bytes = 4 * kGiB}, {.total_bytes = 8 * kGiB}});
    const auto policy = squeezed_policy();
    run(host, *policy, 120);
    for (int i = 0; i < 300; ++i) {
        host.tick(*policy);
        CHECK(host.requests == std::vector<std::int64_t>{0, 0});
    }
}

TEST_CASE("policy squeezed frees memory before it gives any") {
    // The first has all it can, the second its least, and nothing is free.
    SmallHost host(4 * kGiB + 512 * kMiB + 72 * kMiB, {{}, {}});
    host.seen.domains.loaned_bytes[1] = 4 * kGiB - 512 * kMiB;
    host.seen.host.available_bytes = 72 * kMiB;
    const auto policy = squeezed_policy();
    host.tick(*policy);
    CHECK(host.requests[0] > 0);
    CHECK(host.requests[1] == 0);
    run(host, *policy, 60);
    CHECK(fraction(host, 0) == Approx(fraction(host, 1)).epsilon(0.001));
}

TEST_CASE("policy squeezed works around a balloon that is stuck") {
    SmallHost host(6 * kGiB, {{.moves_bytes = 0}, {}});
    const auto policy = squeezed_policy();
    run(host, *policy, 120);
    CHECK(host.kept(0) == 4 * kGiB);
    CHECK(host.kept(1) == Approx(2 * kGiB - 72 * kMiB).margin(kMiB));
}

TEST_CASE("policy squeezed keeps the controller's reserve free if it is told to") {
    SmallHost host(6 * kGiB, {{}, {}});
    host.reserve_bytes = kGiB;
    PolicyChoice choice = default_choice(PolicyKind::squeezed);
    choice.numbers[2] = 0;
    const auto policy = *make_policy(choice);
    run(host, *policy, 120);
    CHECK(host.seen.host.available_bytes == Approx(kGiB).margin(kMiB));
}

TEST_CASE("policy squeezed repeats its last target between looks") {
    SmallHost host(3 * kGiB, {{.moves_bytes = kMiB}});
    const auto policy = squeezed_policy();
    host.tick(*policy);
    const std::int64_t first = host.requests[0];
    CHECK(first > 0);
    host.seen.at -= std::chrono::milliseconds(900);
    host.tick(*policy);
    CHECK(host.requests[0] == first - static_cast<std::int64_t>(kMiB));
}

TEST_CASE("policy squeezed keeps its targets when rows move, and moves nobody who is held") {
    SmallHost host(6 * kGiB, {{.total_bytes = 4 * kGiB, .moves_bytes = kMiB},
                              {.total_bytes = 8 * kGiB, .moves_bytes = kMiB}});
    const auto policy = squeezed_policy();
    host.tick(*policy);
    const std::vector<std::int64_t> asked = host.requests;
    DomainTable& domains = host.seen.domains;
    std::swap(domains.key[0], domains.key[1]);
    std::swap(domains.total_bytes[0], domains.total_bytes[1]);
    ++domains.membership;
    std::vector<std::int64_t> requests(2);
    host.seen.at -= std::chrono::milliseconds(900);
    policy->request(host.seen, {.min_mem_bytes = host.min_mem}, requests);
    CHECK(requests[0] == asked[1] - static_cast<std::int64_t>(kMiB));
    CHECK(requests[1] == asked[0] - static_cast<std::int64_t>(kMiB));
    const std::vector<std::uint8_t> held{1, 0};
    policy->request(host.seen, {.min_mem_bytes = host.min_mem, .held = held}, requests);
    CHECK(requests[0] == 0);
    CHECK(requests[1] != 0);
}

TEST_CASE("policy squeezed moves nothing while the host's free memory is not known") {
    SmallHost host(3 * kGiB, {{}});
    host.seen.host.available_bytes = kUnknownBytes;
    std::vector<std::int64_t> requests{5};
    squeezed_policy()->request(host.seen, {}, requests);
    CHECK(requests[0] == 0);
}
