// The command line against the daemon's own server and API, over a real socket.
#include <unistd.h>

#include <catch2/catch.hpp>

#include "controller/http/server.h"
#include "ctl_fixture.h"
#include "tests/unit/http/http_fixture.h"
#include "tests/unit/http/temp_dir.h"

using namespace ballast::ctl;
using namespace ballast::ctl::test;
using ballast::test::ApiFixture;
using ballast::test::kOddName;
using ballast::test::TempDir;

namespace {

struct DaemonFixture : CtlFixture {
    TempDir folder;
    ApiFixture daemon;
    ballast::SystemClock clock;
    ballast::SocketFile file;
    std::unique_ptr<ballast::Server> server;

    DaemonFixture() {
        daemon.publish();
        environment.connect = make_socket_transport;
        environment.default_api = folder.path("api.sock");
        auto listening = ballast::listen_unix(environment.default_api, std::nullopt);
        REQUIRE(listening);
        file = std::move(listening->file);
        auto started = ballast::Server::start(
            std::move(listening->fd), ballast::WriteRule{::geteuid(), {}, ""}, ballast::HostRule(),
            [this](const ballast::Request& request) { return daemon.api.handle(request); }, clock);
        REQUIRE(started);
        server = std::move(*started);
    }
};

}  // namespace

TEST_CASE("what the daemon publishes is what people see") {
    DaemonFixture fixture;
    CHECK(fixture.run({"status"}) == ExitStatus::done);
    CHECK(fixture.out.str().find("backend     mock, up\n") != std::string::npos);
    CHECK(fixture.out.str().find("event bus   " + fixture.daemon.bus_path) != std::string::npos);
    CHECK(fixture.run({"domains"}) == ExitStatus::done);
    CHECK(fixture.out.str().find("db-1") != std::string::npos);
    CHECK(fixture.out.str().find("disabled,paused,migrating") != std::string::npos);
    CHECK(fixture.run({"explain", kOddName, "--json"}) == ExitStatus::done);
    CHECK(Json::parse(fixture.out.str())["name"] == kOddName);
}

TEST_CASE("changes reach the controller, and its refusals the exit status") {
    DaemonFixture fixture;
    CHECK(fixture.run({"set", kOddName, "min_mem_mb", "12"}) == ExitStatus::done);
    CHECK(fixture.run({"get", kOddName, "min_mem_mb"}) == ExitStatus::done);
    CHECK(fixture.out.str() == "12\n");
    CHECK(fixture.run({"set", "--default", "loaned_kb", "1"}) == ExitStatus::refused);
    CHECK(fixture.err.str() == "ballastctl: loaned_kb is read-only (Permission denied)\n");
    CHECK(fixture.run({"get", "db-1", "nonsense"}) == ExitStatus::failed);
    CHECK(fixture.run({"disable", "ghost"}) == ExitStatus::failed);
    CHECK(fixture.run({"release"}) == ExitStatus::done);
    CHECK(fixture.out.str() == "every domain gets back what it lent now\n");
    CHECK(fixture.daemon.control.log ==
          std::vector<std::string>{"set " + kOddName + " min_mem_mb=12", "release "});
}

TEST_CASE("a domain may be named like a folder") {
    DaemonFixture fixture;
    CHECK(fixture.run({"set", "..", "oom_kb", "1"}) == ExitStatus::done);
    CHECK(fixture.daemon.control.log == std::vector<std::string>{"set .. oom_kb=1"});
}

TEST_CASE("no daemon means unreachable, and says where it was looked for") {
    DaemonFixture fixture;
    fixture.server.reset();
    CHECK(fixture.run({"status"}) == ExitStatus::unreachable);
    CHECK(fixture.err.str() == "ballastctl: cannot reach the daemon at " +
                                   fixture.environment.default_api + ": Connection refused\n");
    CHECK(fixture.run({"status", "--api", "/nowhere/api.sock"}) == ExitStatus::unreachable);
    CHECK(fixture.err.str().find("No such file") != std::string::npos);
    CHECK(fixture.run({"status", "--api", std::string(300, 'x')}) == ExitStatus::unreachable);
}

TEST_CASE("a daemon that only rehearses is not shown as one that lends") {
    DaemonFixture fixture;
    ballast::Snapshot& snapshot = *fixture.daemon.snapshots.begin();
    ballast::test::fill(snapshot);
    snapshot.dry_run = true;
    fixture.daemon.snapshots.publish();
    CHECK(fixture.run({"status"}) == ExitStatus::done);
    CHECK(fixture.out.str().find("lending     dry run: decided on, nothing moves\n") !=
          std::string::npos);
    CHECK(fixture.out.str().find(", would lend 4 GiB,") != std::string::npos);
    CHECK(fixture.run({"domains"}) == ExitStatus::done);
    CHECK(fixture.out.str().find("WOULD LEND") != std::string::npos);
    CHECK(fixture.out.str().find("TARGET") == std::string::npos);
}

TEST_CASE("domains that even host and name do not tell apart are shown with their UUIDs") {
    DaemonFixture fixture;
    ballast::Snapshot& snapshot = *fixture.daemon.snapshots.begin();
    ballast::test::fill(snapshot);
    const auto one = ballast::key_from_name("one");
    const auto two = ballast::key_from_name("two");
    snapshot.names = std::make_shared<ballast::DomainNames>(
        ballast::DomainNames{{one, two}, {"web", "web"}, {"alpha", "alpha"}});
    fixture.daemon.snapshots.publish();
    CHECK(fixture.run({"domains"}) == ExitStatus::done);
    CHECK(fixture.out.str().find(ballast::to_string(one) + " alpha/web") != std::string::npos);
    CHECK(fixture.out.str().find(ballast::to_string(two) + " alpha/web") != std::string::npos);
    CHECK(fixture.run({"explain", ballast::to_string(two)}) == ExitStatus::done);
}

TEST_CASE("domains of two hosts are shown as other commands take them") {
    DaemonFixture fixture;
    fixture.daemon.publish_two_hosts();
    CHECK(fixture.run({"domains"}) == ExitStatus::done);
    CHECK(fixture.out.str().find("alpha/web") != std::string::npos);
    CHECK(fixture.out.str().find("beta/web") != std::string::npos);
    CHECK(fixture.run({"explain", "beta/web"}) == ExitStatus::done);
    CHECK(fixture.out.str().find("beta/web, tick 7: ") == 0);
    CHECK(fixture.run({"explain", "web"}) == ExitStatus::refused);
    CHECK(fixture.err.str().find("2 domains are called 'web': alpha/web (") != std::string::npos);
}
