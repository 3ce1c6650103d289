// Commands wait for a daemon that is starting, and not for longer than they are to.
#include <catch2/catch.hpp>

#include "ctl_fixture.h"

using namespace ballast::ctl;
using namespace ballast::ctl::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kStarting =
    R"({"error": {"code": "starting", "message": "no tick yet", "errno": 0, "errno_name": null}})";
constexpr const char* kPage = R"({"tick": 1, "count": 0, "offset": 0, "domains": []})";

struct StartingDaemon : CtlFixture {
    void nobody_listens() {
        script.answers.push_back(tl::unexpected(
            CommandFailure{ExitStatus::unreachable, "no such file or directory", true}));
    }
};

}  // namespace

TEST_CASE("a command waits until the socket is there and the first tick was made") {
    StartingDaemon fixture;
    fixture.nobody_listens();
    fixture.nobody_listens();
    fixture.answer(503, kStarting);
    fixture.answer(200, kPage);
    CHECK(fixture.run({"domains"}) == ExitStatus::done);
    CHECK(fixture.slept == 300ms);
    CHECK(fixture.script.sent.size() == 4);
    CHECK(fixture.err.str().empty());
}

TEST_CASE("a person is told what is waited for") {
    StartingDaemon fixture;
    fixture.environment.err_terminal.interactive = true;
    fixture.nobody_listens();
    fixture.nobody_listens();
    fixture.answer(200, kPage);
    CHECK(fixture.run({"domains"}) == ExitStatus::done);
    CHECK(fixture.err.str() == "ballastctl: waiting for the daemon at /default/api.sock\n");
}

TEST_CASE("a daemon that does not come is waited for five seconds, or as long as asked") {
    StartingDaemon fixture;
    const auto [arguments, slept] =
        GENERATE(table<std::vector<std::string>, std::chrono::milliseconds>({
            {{"status"}, 5000ms},
            {{"status", "--patience", "2"}, 2000ms},
            {{"--patience", "0", "status"}, 0ms},
        }));
    for (int i = 0; i < 100; ++i) fixture.nobody_listens();
    CHECK(fixture.run(arguments) == ExitStatus::unreachable);
    CHECK(fixture.slept == slept);
    CHECK_THAT(fixture.err.str(), Contains("no such file or directory"));
}

TEST_CASE("a daemon that never ticks is an error after the wait, not for ever") {
    StartingDaemon fixture;
    for (int i = 0; i < 100; ++i) fixture.answer(503, kStarting);
    CHECK(fixture.run({"--patience", "1", "explain", "db"}) == ExitStatus::failed);
    CHECK(fixture.slept == 1s);
    CHECK_THAT(fixture.err.str(), Contains("no tick yet"));
}

TEST_CASE("other failures are told at once, and nothing is sent twice") {
    StartingDaemon fixture;
    SECTION("the connection broke after the request") {
        fixture.script.answers.push_back(
            tl::unexpected(CommandFailure{ExitStatus::unreachable, "timed out"}));
        CHECK(fixture.run({"release", "--all"}) == ExitStatus::unreachable);
    }
    SECTION("the daemon is busy") {
        fixture.answer(503, R"({"error": {"code": "busy", "message": "too many"}})");
        CHECK(fixture.run({"release", "--all"}) == ExitStatus::failed);
    }
    SECTION("something else answers") {
        fixture.answer(503, "not JSON");
        CHECK(fixture.run({"release", "--all"}) == ExitStatus::failed);
    }
    CHECK(fixture.script.sent.size() == 1);
    CHECK(fixture.slept == 0ms);
}

TEST_CASE("how long to wait is a number of seconds") {
    StartingDaemon fixture;
    const std::string seconds = GENERATE("-1", "abc", "3601", "nan", "0.5");
    CHECK(fixture.run({"--patience", seconds, "status"}) == ExitStatus::usage);
    CHECK(fixture.script.sent.empty());
}
