// ballastctl watch, on a bus that the test writes.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <sstream>

#include "bus/writer.h"
#include "ctl_fixture.h"
#include "tests/unit/http/temp_dir.h"

using namespace ballast;
using namespace ballast::ctl;
using namespace ballast::ctl::test;
using ballast::test::TempDir;
using Catch::Matchers::Contains;

namespace {

struct WatchFixture : CtlFixture {
    TempDir folder;
    SystemClock clock;
    std::string path = folder.path("events");
    std::unique_ptr<BusWriter> writer;

    WatchFixture() {
        auto made = BusWriter::create(path, {.slot_count = 16}, clock);
        REQUIRE(made);
        writer = std::move(*made);
        for (const char* const name : {"db-1", "web-1"}) {
            ballast_bus_decision decision{};
            decision.domain = bus_domain(std::array<unsigned char, 16>{}, name);
            decision.loaned_after_bytes = 1 << 20;
            decision.loan_target_bytes = 1 << 21;
            copy_text(decision.constraint, "min_mem");
            copy_text(decision.outcome, "accepted");
            writer->publish(BALLAST_BUS_DECISION, decision);
        }
        ballast_bus_domain_event oom{};
        oom.domain = bus_domain(std::array<unsigned char, 16>{}, "db-1");
        copy_text(oom.what, "oom");
        oom.bytes = 4096;
        writer->publish(BALLAST_BUS_OOM, oom);
        writer->publish_notice(BALLAST_BUS_CONFIG, "min_mem_mb = 1\x1b[31m");
        writer->publish(BALLAST_BUS_TICK, ballast_bus_tick{});
        writer->commit();
    }
    ExitStatus watch(std::vector<std::string> more) {
        std::vector<std::string> line{"watch", "--bus", path, "--from-oldest"};
        line.insert(line.end(), more.begin(), more.end());
        return run(line);
    }
    std::vector<Json> lines() const {
        std::vector<Json> all;
        std::istringstream text(out.str());
        for (std::string line; std::getline(text, line);) all.push_back(Json::parse(line));
        return all;
    }
};

}  // namespace

TEST_CASE("watch tells every record in a line of its own") {
    WatchFixture fixture;
    REQUIRE(fixture.watch({"--count", "5"}) == ExitStatus::done);
    const std::string text = fixture.out.str();
    CHECK_THAT(text, Contains("decision  db-1: lends 1 MiB, loan target 2 MiB, min_mem, accepted"));
    CHECK_THAT(text, Contains("oom       db-1: took 4 KiB back"));
    CHECK_THAT(text, Contains("config    min_mem_mb = 1"));
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK_THAT(text, Contains("tick      0: 0 domains lend 0 B"));
}

TEST_CASE("watch filters by type and domain") {
    WatchFixture fixture;
    REQUIRE(fixture.watch({"--count", "2", "--domain", "db-*", "--json"}) == ExitStatus::done);
    auto lines = fixture.lines();
    REQUIRE(lines.size() == 2);
    CHECK(lines[0]["type"] == "decision");
    CHECK(lines[0]["loaned_after_bytes"] == 1 << 20);
    CHECK(lines[0]["position"] == 0);
    CHECK(lines[1]["type"] == "oom");
    REQUIRE(fixture.watch({"--count", "2", "--type", "tick", "--type", "config", "--json"}) ==
            ExitStatus::done);
    lines = fixture.lines();
    REQUIRE(lines.size() == 2);
    CHECK(lines[0]["type"] == "config");
    CHECK(lines[1]["host_available_bytes"] == 0);
}

TEST_CASE("watch goes on with the next daemon, and tells what was lost") {
    WatchFixture fixture;
    fixture.writer.reset();
    auto next = BusWriter::create(fixture.path, {.slot_count = 16}, fixture.clock);
    REQUIRE(next);
    for (int i = 0; i < 40; ++i) (*next)->publish(BALLAST_BUS_TICK, ballast_bus_tick{});
    (*next)->commit();
    REQUIRE(fixture.watch({"--count", "1", "--json"}) == ExitStatus::done);
    CHECK(fixture.lines()[0]["epoch"] == (*next)->file().epoch());
}

TEST_CASE("what cannot be watched is told, by what is wrong with it") {
    WatchFixture fixture;
    CHECK(fixture.watch({"--type", "tock"}) == ExitStatus::usage);
    CHECK_THAT(fixture.err.str(), Contains("type is 'tock', expected one of: decision oom"));
    CHECK(fixture.run({"watch", "--bus", "/no/such/bus"}) == ExitStatus::unreachable);
    CHECK_THAT(fixture.err.str(), Contains("no daemon has been here yet"));
    CHECK(fixture.run({"watch", "--bus", "/etc/hostname"}) == ExitStatus::failed);
    CHECK_THAT(fixture.err.str(), Contains("expected an event bus"));
    CHECK(fixture.run({"watch", "--bus", "/tmp"}) == ExitStatus::failed);
    CHECK_THAT(fixture.err.str(), Contains("not a regular file"));
}

TEST_CASE("watch shows guests' figures to who asks for them") {
    WatchFixture fixture;
    ballast_bus_guest guest{};
    guest.domain = bus_domain(std::array<unsigned char, 16>{}, "db-1");
    guest.total_bytes = std::uint64_t{1} << 30U;
    guest.unused_bytes = std::uint64_t{1} << 20U;
    guest.usable_bytes = UINT64_MAX;
    fixture.writer->publish(BALLAST_BUS_GUEST, guest);
    fixture.writer->publish_notice(BALLAST_BUS_CONFIG, "the last");
    fixture.writer->commit();
    REQUIRE(fixture.watch({"--count", "6"}) == ExitStatus::done);
    CHECK_THAT(fixture.out.str(), !Contains("guest") && Contains("the last"));
    REQUIRE(fixture.watch({"--count", "1", "--type", "guest"}) == ExitStatus::done);
    CHECK_THAT(fixture.out.str(),
               Contains("guest     db-1: lends 0 B of 1 GiB, unused 1 MiB, usable unknown"));
    REQUIRE(fixture.watch({"--count", "1", "--type", "guest", "--json"}) == ExitStatus::done);
    CHECK(fixture.lines()[0]["usable_bytes"].is_null());
}

TEST_CASE("watch merges several buses, and says which each line is from") {
    WatchFixture one;
    WatchFixture other;
    REQUIRE(one.run({"watch", "--from-oldest", "--bus", one.path, "--bus", other.path, "--json",
                     "--count", "10"}) == ExitStatus::done);
    const auto lines = one.lines();
    REQUIRE(lines.size() == 10);
    CHECK(lines[0]["bus"] == one.path);
    CHECK(lines[9]["bus"] == other.path);
    CHECK(one.run({"watch", "--bus", one.path, "--bus", "/no/bus"}) == ExitStatus::unreachable);
    CHECK_THAT(one.err.str(), Contains("/no/bus") && Contains("no daemon has been here yet"));
}

TEST_CASE("record writes what is on the bus into a file, for as long as it is told to") {
    WatchFixture fixture;
    const std::string file = fixture.folder.path("night.ballast");
    const auto record = [&](std::vector<std::string> more) {
        std::vector<std::string> line{"record",        "--bus", fixture.path, file,
                                      "--from-oldest", "--for", "0.001s"};
        line.insert(line.end(), more.begin(), more.end());
        return fixture.run(line);
    };
    REQUIRE(record({"--json"}) == ExitStatus::done);
    const Json told = Json::parse(fixture.out.str());
    CHECK(told["file"] == file);
    CHECK(told["lost"] == 0);
    CHECK(told["records"].get<int>() >= 1);
    CHECK(record({}) == ExitStatus::failed);
    CHECK_THAT(fixture.err.str(), Contains("is there already"));
    CHECK(record({"--max-size", "1KiB"}) == ExitStatus::usage);
    CHECK_THAT(fixture.err.str(), Contains("expected 4 MiB or more"));
    CHECK(record({"--max-size", "much"}) == ExitStatus::usage);
    CHECK(fixture.run({"record", "--bus", "/no/bus", fixture.folder.path("other")}) ==
          ExitStatus::unreachable);
    CHECK_FALSE(std::filesystem::exists(fixture.folder.path("other")));
}

TEST_CASE("without --bus, watch and record read the bus that the daemon says it writes") {
    WatchFixture fixture;
    ::unsetenv("BALLAST_BUS");
    const std::string status = R"({"bus":{"path":")" + fixture.path + R"("}})";
    fixture.answer(200, status);
    REQUIRE(fixture.run({"watch", "--from-oldest", "--count", "1"}) == ExitStatus::done);
    CHECK(fixture.script.sent.back() == "GET /api/v1/status");
    CHECK_THAT(fixture.out.str(), Contains("db-1: lends 1 MiB"));

    fixture.answer(200, status);
    const std::string file = fixture.folder.path("asked.ballast");
    REQUIRE(fixture.run({"record", file, "--from-oldest", "--for", "0.001s"}) == ExitStatus::done);
    CHECK(std::filesystem::exists(file));

    fixture.answer(200, R"({"bus":{"path":null}})");
    CHECK(fixture.run({"watch", "--count", "1"}) == ExitStatus::failed);
    CHECK_THAT(fixture.err.str(), Contains("the daemon's event bus is off") && Contains("--bus"));

    // What was named is read, and nobody is asked.
    const std::size_t asked = fixture.script.sent.size();
    REQUIRE(fixture.watch({"--count", "1"}) == ExitStatus::done);
    ::setenv("BALLAST_BUS", fixture.path.c_str(), 1);
    REQUIRE(fixture.run({"watch", "--from-oldest", "--count", "1"}) == ExitStatus::done);
    ::unsetenv("BALLAST_BUS");
    CHECK(fixture.script.sent.size() == asked);
}
