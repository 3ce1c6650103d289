#include <catch2/catch.hpp>
#include <filesystem>

#include "base/units.h"
#include "ctl_fixture.h"
#include "tests/paths.h"
#include "tests/unit/recording/recording_fixture.h"

using namespace ballast;
using namespace ballast::ctl;
using namespace ballast::ctl::test;
using ballast::test::RecordingFixture;
using ballast::test::Teller;
using Catch::Matchers::Contains;

namespace {

// Two guests of 8 GiB on a host of 12 that use little, but for a while one of them all: it lent
// too much and ran out of memory.
struct ReplayFixture : CtlFixture, RecordingFixture {
    ReplayFixture() {
        const auto made = recorder();
        Teller host(*made);
        host.sums.host_total_bytes = 12 * kGiB;
        host.sums.host_available_bytes = 6 * kGiB;
        host.sums.total_bytes = 16 * kGiB;
        host.sums.loaned_bytes = 6 * kGiB;
        host.decision.min_mem_bytes = kGiB;
        host.decide(0, "idle");
        host.decide(0, "busy");
        for (double at_s = 0; at_s <= 7200; at_s += 60) {
            const bool peak = at_s >= 3600 && at_s < 4800;
            host.tell(at_s, "idle", 8 * kGiB, 4 * kGiB, 3 * kGiB);
            host.tell(at_s, "busy", 8 * kGiB, peak ? 0 : 2 * kGiB, peak ? kGiB : 4 * kGiB);
            host.sums.loaned_bytes = peak ? 4 * kGiB : 6 * kGiB;
            host.sums.deflated_bytes = at_s >= 3600 ? 2 * kGiB : 0;
            if (at_s == 3600) host.happen(at_s, BALLAST_BUS_OOM, "busy", "oom", 2 * kGiB);
            host.ticks(at_s, at_s + 59, 10);
        }
        REQUIRE(made->finish());
    }
    Json json(std::vector<std::string> arguments) {
        arguments.emplace_back("--json");
        const ExitStatus status = run(arguments);
        INFO(err.str());
        REQUIRE(status == ExitStatus::done);
        return Json::parse(out.str());
    }
    void refuses(const std::vector<std::string>& arguments, ExitStatus status,
                 const std::string& part) {
        CHECK(run(arguments) == status);
        CHECK_THAT(err.str(), Contains(part));
    }
};

}  // namespace

TEST_CASE_METHOD(ReplayFixture, "replay shows what a policy would have done beside what happened") {
    const Json told = json({"replay", path});
    const Json& recorded = told["recorded"];
    CHECK(recorded["input"] == path);
    CHECK(recorded["guests"] == 2);
    CHECK(recorded["guests_bytes"] == 16 * kGiB);
    CHECK(recorded["host_total_bytes"] == 12 * kGiB);
    CHECK(recorded["ooms"] == 1);
    CHECK(recorded["oom_bytes"] == 2 * kGiB);
    CHECK(recorded["moved_gib"] == 2);
    CHECK(recorded["lent_gib_hours"].get<double>() == Approx(11.33).epsilon(0.01));
    CHECK(recorded["faults"] == 0);
    REQUIRE(recorded["samples"].size() == 12);
    CHECK(recorded["samples"][0]["lent_bytes"] == 6 * kGiB);
    CHECK(recorded["samples"][6]["lent_bytes"] == 4 * kGiB);
    REQUIRE(told["results"].size() == 1);
    const Json& result = told["results"][0];
    CHECK(result["policy"] == "ballast");
    CHECK(result["input"] == path);
    CHECK(result["floor_percent"] == 0);
    CHECK(result["k"] == 1);
    CHECK(result["samples"].size() == 12);
    CHECK(result["samples"][6]["at_s"] == recorded["samples"][6]["at_s"]);
    // Its programs use 7 GiB at the peak, and 1 GiB the other one's.
    CHECK(result["samples"][6]["demand_bytes"] == 8 * kGiB);
    CHECK(result["samples"][0]["demand_bytes"] == 3 * kGiB);
}

TEST_CASE_METHOD(ReplayFixture, "replay takes several policies and their numbers, in that order") {
    const auto policies = [](const Json& told) {
        std::string names;
        for (const Json& one : told["results"]) names += one["policy"].get<std::string>() + " ";
        return names;
    };
    CHECK(policies(json({"replay", path, "--policy", "static", "--policy", "clairvoyant"})) ==
          "static clairvoyant ");
    CHECK(policies(json({"replay", "--policy", "mom", path})) == "mom ");
    const Json plain = json({"replay", path, "--policy", "hyperv"});
    const Json changed =
        json({"replay", path, "--policy", "hyperv", "--set", "hyperv.buffer_percent=80"});
    CHECK(plain["results"] != changed["results"]);
}

TEST_CASE_METHOD(ReplayFixture, "replay shows lines for people, and what was lent over time") {
    REQUIRE(run({"replay", path, "--policy", "static", "--samples", "2"}) == ExitStatus::done);
    const std::string text = out.str();
    CHECK_THAT(text, Contains("2h50s, 2 guests of 16 GiB in all on 12 GiB"));
    CHECK_THAT(text, Contains("WHO"));
    CHECK_THAT(text, Contains("\nrecorded"));
    CHECK_THAT(text, Contains("\nstatic"));
    CHECK_THAT(text, Contains("LENT GiB AT  recorded  static\n"));
    CHECK_THAT(text, Contains("      6.00    4.00\n"));
    REQUIRE(run({"replay", path, "--policy", "static", "--samples", "0"}) == ExitStatus::done);
    CHECK(out.str().find("LENT GiB AT") == std::string::npos);
    environment.out_terminal = {true, true, 40};
    REQUIRE(run({"replay", path}) == ExitStatus::done);
    CHECK_THAT(out.str(), Contains("\033[1mrecorded"));
}

TEST_CASE_METHOD(ReplayFixture, "replay refuses what it cannot run, and says what it expects") {
    refuses({"replay", path, "--policy", "balast"}, ExitStatus::usage, "did you mean ballast?");
    refuses({"replay", path, "--policy", ""}, ExitStatus::usage, "policy");
    refuses({"replay", path, "--set", "mom.x=1"}, ExitStatus::usage, "a policy that is compared");
    refuses({"replay"}, ExitStatus::usage, "RECORDING");
    refuses({"replay", "/no/such"}, ExitStatus::failed, "cannot read /no/such");
    refuses({"replay", test_data() + "/traces/office.csv"}, ExitStatus::failed,
            "not a recording, expected a file of `ballastctl record`");
}

TEST_CASE_METHOD(ReplayFixture, "compare takes recordings, alone or beside other workloads") {
    const Json one = json({"compare", path, "--policies", "static"});
    REQUIRE(one["results"].size() == 2);
    CHECK(one["results"][0]["overcommit"].get<double>() == Approx(16.0 / 12));
    CHECK(one["results"][0]["host_gib"] == 12);
    CHECK(one["results"][0]["k"] == 1);
    CHECK(one["results"][0]["floor_percent"] == 0);
    REQUIRE(one["density"].size() == 2);
    const std::string second = folder.path("a second.ballast");
    std::filesystem::copy_file(path, second);
    const Json two = json({"compare", path, second, "--policies", "static", "--overcommit", "1,2"});
    REQUIRE(two["results"].size() == 8);
    CHECK(two["results"][3]["input"] == path);
    CHECK(two["results"][4]["input"] == second);
    CHECK(two["results"][1]["overcommit"] == 2);
    CHECK(two["density"].size() == 4);
    REQUIRE(run({"compare", path, second, "--policies", "static"}) == ExitStatus::done);
    CHECK_THAT(out.str(), Contains(path + "\n") && Contains("\n" + second + "\n"));
}

TEST_CASE_METHOD(ReplayFixture, "what a recording lacks is told beside what is made of it") {
    change(
        "PRAGMA user_version=1; ALTER TABLE ticks DROP COLUMN host_total;"
        "INSERT INTO losses VALUES(1, 5)");
    for (const char* const command : {"compare", "replay"}) {
        REQUIRE(run({command, path}) == ExitStatus::done);
        CHECK_THAT(err.str(), Contains(path + ": 5 records were lost") &&
                                  Contains(path + ": the host's memory is not told\n") &&
                                  Contains("the host is taken to be as large as its guests"));
    }
    change("DROP TABLE guests");
    for (const char* const command : {"compare", "replay"})
        refuses({command, path}, ExitStatus::failed, path + ": no such table: guests");
}

TEST_CASE_METHOD(ReplayFixture, "replay writes a page of its runs") {
    const std::string page = folder.path("page.html");
    REQUIRE(run({"replay", path, "--policy", "ballast", "--policy", "mom", "--report", page}) ==
            ExitStatus::done);
    CHECK(std::filesystem::file_size(page) > 10000);
    refuses({"replay", path, "--report", "/nonexistent/page.html"}, ExitStatus::failed,
            "/nonexistent/page.html");
}
