#include "policy/policy.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

using namespace ballast;

namespace {

Observation two_domains() {
    Observation seen;
    seen.domains.resize(2);
    seen.domains.page_shift = {12, 16};
    seen.domains.loaned_bytes = {8192, 65536};
    seen.domains.loan_request_bytes = {4096, -65536};
    return seen;
}

}  // namespace

TEST_CASE("policy cmm passes the hypervisor's own requests on") {
    std::vector<std::int64_t> requests(2);
    (*make_policy(default_choice(PolicyKind::cmm)))->request(two_domains(), {}, requests);
    CHECK(requests == std::vector<std::int64_t>{4096, -65536});
}

TEST_CASE("policy fixed asks for the difference to the operator's target, in whole pages") {
    const std::vector<std::uint64_t> fixed{10'000, 127 * 1024};
    std::vector<std::int64_t> requests(2);
    (*make_policy(default_choice(PolicyKind::fixed)))->request(two_domains(), {fixed}, requests);
    CHECK(requests == std::vector<std::int64_t>{0, 0});  // 2 and 1 whole pages, lent already
}

TEST_CASE("policy fixed survives a target beyond any machine") {
    const std::vector<std::uint64_t> fixed{UINT64_MAX, UINT64_MAX};
    std::vector<std::int64_t> requests(2);
    (*make_policy(default_choice(PolicyKind::fixed)))->request(two_domains(), {fixed}, requests);
    CHECK(requests[0] == static_cast<std::int64_t>(0x7ffffffffffff000) - 8192);
    CHECK(requests[1] > 0);
}
