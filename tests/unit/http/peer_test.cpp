#include "controller/http/peer.h"

#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <vector>

#include "controller/http/sockets.h"
#include "tests/skip.h"

using namespace ballast;

namespace {

constexpr gid_t kOperators = 700;

WriteRule rule_with_group() {
    return {990, kOperators, "operators"};
}

}  // namespace

TEST_CASE("root and the daemon's own user may write") {
    CHECK(decide_write({0, 5, 1}, {}, {990, std::nullopt, ""}).allowed);
    CHECK(decide_write({990, 5, 1}, {}, {990, std::nullopt, ""}).allowed);
    CHECK(decide_write({0, 5, 1}, {}, rule_with_group()).allowed);
}

TEST_CASE("members of the group may write, by primary or supplementary group") {
    const std::array<gid_t, 2> member{100, kOperators};
    CHECK(decide_write({1000, kOperators, 1}, {}, rule_with_group()).allowed);
    CHECK(decide_write({1000, 100, 1}, member, rule_with_group()).allowed);
}

TEST_CASE("everyone else is refused with the reason") {
    const std::array<gid_t, 2> groups{100, 0};
    const WriteAccess access = decide_write({1000, 100, 1}, groups, rule_with_group());
    CHECK_FALSE(access.allowed);
    CHECK(access.reason ==
          "user 1000 may not change anything: only root and group 'operators' may");
    const std::array<gid_t, 1> zero{0};
    const WriteAccess closed = decide_write({1000, 0, 1}, zero, {990, std::nullopt, ""});
    CHECK_FALSE(closed.allowed);
    CHECK(closed.reason == "user 1000 may not change anything: only root may");
}

TEST_CASE("the kernel tells who is at the other end") {
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    const Fd left(pair[0]);
    const Fd right(pair[1]);
    const auto peer = peer_of(left.get());
    REQUIRE(peer);
    CHECK(peer->uid == ::geteuid());
    CHECK(peer->gid == ::getegid());
    CHECK(peer->pid == ::getpid());
    CHECK_FALSE(peer_of(-1));
}

TEST_CASE("groups are those that the peer had when it connected, not those of the database") {
    if (::geteuid() != 0) return skip("root alone can take groups");
    // More than fit at first.
    std::vector<gid_t> taken(100);
    for (std::size_t i = 0; i < taken.size(); ++i) taken[i] = static_cast<gid_t>(70000 + i);
    std::vector<gid_t> before(static_cast<std::size_t>(::getgroups(0, nullptr)));
    REQUIRE(::getgroups(static_cast<int>(before.size()), before.data()) >= 0);
    REQUIRE(::setgroups(taken.size(), taken.data()) == 0);
    int pair[2];
    const int made = ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
    REQUIRE(::setgroups(before.size(), before.data()) == 0);
    REQUIRE(made == 0);
    const Fd left(pair[0]);
    const Fd right(pair[1]);
    const auto groups = peer_groups(left.get());
    REQUIRE(groups);
    CHECK(*groups == taken);
    CHECK_FALSE(peer_groups(-1));
}

TEST_CASE("a rule names an existing group") {
    const auto rule = make_write_rule("root");
    REQUIRE(rule);
    CHECK(rule->group == gid_t{0});
    CHECK_FALSE(make_write_rule("")->group);
    const auto wrong = make_write_rule("no-such-group-here");
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().code == Errc::invalid_argument);
}
