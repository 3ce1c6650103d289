#include "policy/cpuplugd_policy.h"

#include <catch2/catch.hpp>
#include <string>

#include "small_host.h"

using namespace ballast;

namespace {

PolicyChoice with(std::vector<std::pair<std::string, std::string>> texts) {
    PolicyChoice choice = default_choice(PolicyKind::cpuplugd);
    choice.numbers = {1, 0, 1 << 20};  // up to 4 GiB
    choice.texts = std::move(texts);
    return choice;
}

std::string problem(std::vector<std::pair<std::string, std::string>> texts) {
    const auto made = make_policy(with(std::move(texts)));
    return made ? "none" : made.error().message();
}

}  // namespace

TEST_CASE("policy cpuplugd waits for as many samples as its rules look back") {
    SmallHost host(64 * kGiB, {{}});
    const auto policy = *make_policy(with({{"memunplug", "meminfo.MemFree[3] > 0"}}));
    for (int i = 0; i < 3; ++i) {
        host.tick(*policy);
        CHECK(host.requests[0] == 0);
    }
    host.tick(*policy);
    CHECK(host.requests[0] > 0);
}

TEST_CASE("policy cpuplugd takes its steps for pages, as its sample rules do for KiB") {
    SmallHost host(64 * kGiB, {{.used_bytes = kGiB}});
    const auto policy = *make_policy(with({}));
    host.tick(*policy);
    host.tick(*policy);
    // A fortieth of 3 GiB, in KiB, taken for pages of 4 KiB.
    CHECK(host.requests[0] == static_cast<std::int64_t>(3 * kGiB / kKiB / 40 * 4096));
}

TEST_CASE("policy cpuplugd lends until its rule no longer says so, and rests") {
    SmallHost host(64 * kGiB, {{}});
    const auto policy = *make_policy(with({}));
    for (int i = 0; i < 120; ++i) host.tick(*policy);
    CHECK(host.seen.domains.unused_bytes[0] <= 4 * kGiB / 10);
    CHECK(host.seen.domains.loaned_bytes[0] > 2 * kGiB);
    const std::uint64_t settled = host.kept(0);
    for (int i = 0; i < 120; ++i) host.tick(*policy);
    CHECK(host.kept(0) == settled);
}

TEST_CASE("policy cpuplugd pumps a guest with much cache up and down for ever") {
    SmallHost host(64 * kGiB, {{.cache_bytes = kGiB, .faults_below_bytes = 128 * kMiB}});
    const auto policy = *make_policy(with({}));
    for (int i = 0; i < 120; ++i) host.tick(*policy);
    CHECK(turns(host, *policy, 0, 300) > 5);
}

TEST_CASE("policy cpuplugd lends no more than its limit") {
    SmallHost host(64 * kGiB, {{}});
    const auto policy = *make_policy(default_choice(PolicyKind::cpuplugd));
    for (int i = 0; i < 120; ++i) host.tick(*policy);
    CHECK(host.seen.domains.loaned_bytes[0] == 512 * kMiB);
}

TEST_CASE("policy cpuplugd leaves a guest alone that does not tell what its rules name") {
    SmallHost host(64 * kGiB, {{}, {}});
    const auto policy = *make_policy(with({}));
    for (int i = 0; i < 5; ++i) {
        host.seen.domains.major_faults[0] = kUnknownBytes;
        host.tick(*policy);
        CHECK(host.requests[0] == 0);
    }
    CHECK(host.requests[1] > 0);
}

TEST_CASE("policy cpuplugd drops its target once a guest no longer tells its figures") {
    SmallHost host(64 * kGiB, {{.moves_bytes = kMiB}});
    const auto policy = *make_policy(with({}));
    host.tick(*policy);
    host.tick(*policy);
    CHECK(host.requests[0] > 0);
    host.seen.domains.unused_bytes[0] = kUnknownBytes;
    host.tick(*policy);
    CHECK(host.requests[0] == 0);
}

TEST_CASE("policy cpuplugd needs figures of swap where a rule names their rate, and only there") {
    const auto request_with = [](const std::string& rule) {
        SmallHost host(64 * kGiB, {{}});
        const auto policy = *make_policy(with({{"memplug", "0"}, {"memunplug", rule}}));
        host.seen.domains.swapped_in_bytes[0] = kUnknownBytes;
        host.tick(*policy);
        host.tick(*policy);
        return host.requests[0];
    };
    CHECK(request_with("swaprate < 10") == 0);
    CHECK(request_with("freemem > 10") > 0);
}

TEST_CASE("a rule of cpuplugd's that cannot work is refused, with its place") {
    CHECK(problem({{"memplug", ""}}) ==
          "memplug: no expression from character 1 on, blanks not counted");
    CHECK(problem({{"cmm_inc", "1 + "}}) ==
          "cmm_inc: no expression from character 3 on, blanks not counted");
    CHECK(
        problem({{"variables", "a=2*"}, {"cmm_dec", "a"}, {"memplug", "0"}, {"memunplug", "0"}}) ==
        "cmm_dec: variable 'a': no expression from character 3 on, blanks not counted");
    CHECK(problem({{"memplug", "apcr > 5"}}) == "memplug: nobody tells 'apcr' of a guest");
    CHECK(problem({{"memplug", "vmstat.pgscan[1] > 5"}}) ==
          "memplug: nobody tells 'vmstat.pgscan[1]' of a guest");
    CHECK(problem({{"variables", "5"}}) ==
          "variables: '5' is no variable, expected NAME=EXPRESSION");
    CHECK(problem({{"variables", "idle=5"}}) ==
          "variables: the name 'idle' is taken, or longer than 128 characters");
    CHECK(problem({{"memplug", "time[101] > 5"}}) ==
          "a rule looks back over more than 100 samples");
    PolicyChoice crossed = default_choice(PolicyKind::cpuplugd);
    crossed.numbers = {1, 10, 5};
    CHECK(make_policy(crossed).error().message() == "cmm_max_pages is less than cmm_min_pages");
}
