// ballastctl watch, on a bus that the test writes.
#include <catch2/catch.hpp>
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
    CHECK(fixture.lines()[0]["epoch"] == 2);
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
