#include <catch2/catch.hpp>
#include <fstream>

#include "ctl_fixture.h"
#include "tests/paths.h"
#include "tests/unit/http/temp_dir.h"

using namespace ballast::ctl;
using namespace ballast::ctl::test;
using ballast::test::TempDir;

namespace {

const std::string samples = test_data() + "/vectors/";

std::string last_line(std::string text) {
    if (!text.empty() && text.back() == '\n') text.pop_back();
    return text.substr(text.rfind('\n') + 1);
}

std::string vector_of_proxmox(const std::string& balloon) {
    return R"({"id":"p1","kind":"grow","input":{"vmstatus":{"7":{"maxmem":4000000000,)"
           R"("balloon":1000000000,"balloon_min":1000000000}},"goal":50000000,)"
           R"("maxchange":100000000},"output":{"new_balloon":{"7":)" +
           balloon + "}}}\n";
}

}  // namespace

TEST_CASE("vectors ends with how many it compared and how many differ") {
    CtlFixture fixture;
    CHECK(fixture.run({"vectors", "proxmox", samples + "proxmox.jsonl",
                       samples + "proxmox_own_tests.jsonl"}) == ExitStatus::done);
    CHECK(fixture.out.str().find("proxmox_own_tests.jsonl: 19 compared, 0 differ") !=
          std::string::npos);
    CHECK(last_line(fixture.out.str()) == "179 compared, 0 differ");
}

TEST_CASE("vectors shows the first difference with both sides, and fails") {
    CtlFixture fixture;
    TempDir folder;
    std::ofstream(folder.path("v.jsonl"))
        << vector_of_proxmox("1050000000") << vector_of_proxmox("1050000001");
    CHECK(fixture.run({"vectors", "pve", folder.path("v.jsonl")}) == ExitStatus::failed);
    CHECK(fixture.out.str() == folder.path("v.jsonl") +
                                   ": 2 compared, 1 differ\n"
                                   "  first difference, line 2, p1 (grow), /new_balloon/7:\n"
                                   "    expected: 1050000001\n"
                                   "    got:      1050000000\n"
                                   "2 compared, 1 differ\n");
    CHECK(fixture.run({"vectors", "pve", folder.path("v.jsonl"), "--json"}) == ExitStatus::failed);
    const Json json = Json::parse(fixture.out.str());
    CHECK(json["compared"] == 2);
    CHECK(json["differ"] == 1);
    CHECK(json["files"][0]["first"]["at"] == "/new_balloon/7");
}

TEST_CASE("vectors fails where a line is malformed, nothing is compared or nothing can be read") {
    CtlFixture fixture;
    TempDir folder;
    std::ofstream(folder.path("bad.jsonl")) << vector_of_proxmox("1050000000") << "{}\n";
    CHECK(fixture.run({"vectors", "pve", folder.path("bad.jsonl")}) == ExitStatus::failed);
    CHECK(fixture.err.str().find("bad.jsonl:2: expected an 'input'") != std::string::npos);
    CHECK(last_line(fixture.out.str()) == "1 compared, 0 differ");
    std::ofstream(folder.path("empty.jsonl")) << "\n";
    CHECK(fixture.run({"vectors", "mom", folder.path("empty.jsonl")}) == ExitStatus::failed);
    CHECK(last_line(fixture.out.str()) == "0 compared, 0 differ");
    CHECK(fixture.run({"vectors", "mom", folder.path("none.jsonl")}) == ExitStatus::failed);
    CHECK(fixture.err.str().find("cannot read " + folder.path("none.jsonl")) != std::string::npos);
    CHECK(fixture.run({"vectors", "fixed", samples + "mom.jsonl"}) == ExitStatus::usage);
    CHECK(fixture.err.str().find("mom") != std::string::npos);
    CHECK(fixture.run({"vectors", "mom"}) == ExitStatus::usage);
}
