#include "model/domain_names.h"

#include <catch2/catch.hpp>

using namespace ballast;
using Catch::Matchers::Contains;

namespace {

DomainNames two_hosts() {
    return {{key_from_name("1"), key_from_name("2"), key_from_name("3")},
            {"web", "web", "db"},
            {"alpha", "beta", "beta"}};
}

}  // namespace

TEST_CASE("a name that one domain has finds it, with its host or without") {
    const DomainNames names = two_hosts();
    CHECK(find_domain(names, "db") == 2U);
    CHECK(find_domain(names, "beta/db") == 2U);
    CHECK(find_domain(names, "alpha/web") == 0U);
    CHECK(find_domain(names, "beta/web") == 1U);
    CHECK(find_domain(names, to_string(key_from_name("2"))) == 1U);
    CHECK(full_name(names, 1) == "beta/web");
}

TEST_CASE("what names no domain is not found") {
    const DomainNames names = two_hosts();
    const std::string text = GENERATE(as<std::string>{}, "", "we", "alpha/db", "alpha/", "/web",
                                      "00000000-0000-0000-0000-000000000000", "gamma/web");
    CAPTURE(text);
    const auto found = find_domain(names, text);
    REQUIRE(!found);
    CHECK(found.error().code == Errc::not_found);
}

TEST_CASE("a name that several domains have is refused with all of them") {
    const auto found = find_domain(two_hosts(), "web");
    REQUIRE(!found);
    CHECK(found.error().code == Errc::refused);
    CHECK_THAT(found.error().message(), Contains("2 domains are called 'web'") &&
                                            Contains("alpha/web (") && Contains("beta/web (") &&
                                            Contains(to_string(key_from_name("2"))));
}

TEST_CASE("two connections to one host make even host and name ambiguous, and the UUID is left") {
    const DomainNames names{
        {key_from_name("1"), key_from_name("2")}, {"web", "web"}, {"alpha", "alpha"}};
    CHECK(find_domain(names, "alpha/web").error().code == Errc::refused);
    CHECK(find_domain(names, to_string(key_from_name("1"))) == 0U);
}

TEST_CASE("where a backend names no hosts, a name is the whole of it") {
    const DomainNames names{{key_from_name("a/b")}, {"a/b"}};
    CHECK(full_name(names, 0) == "a/b");
    CHECK(host_of(names, 0).empty());
    CHECK(find_domain(names, "a/b") == 0U);
    CHECK(!find_domain(names, "/a/b"));
}
