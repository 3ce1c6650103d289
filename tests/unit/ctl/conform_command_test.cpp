#include <catch2/catch.hpp>
#include <fstream>

#include "ctl_fixture.h"
#include "tests/paths.h"
#include "tests/unit/http/temp_dir.h"

using namespace ballast::ctl;
using namespace ballast::ctl::test;
using ballast::test::TempDir;

namespace {

const std::string traces = test_data() + "/cmm-traces/";

std::string last_line(std::string text) {
    if (!text.empty() && text.back() == '\n') text.pop_back();
    return text.substr(text.rfind('\n') + 1);
}

}  // namespace

TEST_CASE("conform ends with how much it compared and how much differs") {
    CtlFixture fixture;
    CHECK(fixture.run({"conform", traces + "00_smoke.4k.jsonl", traces + "poll_vectors.csv"}) ==
          ExitStatus::done);
    CHECK(last_line(fixture.out.str()) == "956 compared, 0 differ");
}

TEST_CASE("conform shows the first difference with both sides, and fails") {
    CtlFixture fixture;
    TempDir folder;
    // A driver that forgets a page.
    std::ifstream good(traces + "00_smoke.4k.jsonl");
    std::string trace{std::istreambuf_iterator<char>(good), {}};
    const std::string right = "\"target\": 16384";
    const std::size_t at = trace.find(right);
    REQUIRE(at != std::string::npos);
    trace.replace(at, right.size(), "\"target\": 16383");
    std::ofstream(folder.path("bad.jsonl")) << trace;
    CHECK(fixture.run({"conform", folder.path("bad.jsonl")}) == ExitStatus::failed);
    const std::string text = fixture.out.str();
    CHECK(text.find("loan target, pages") != std::string::npos);
    CHECK(text.find("driver:  16383") != std::string::npos);
    CHECK(text.find("Ballast: 16384") != std::string::npos);
    CHECK(text.find("Policy fixed asks it to lend") != std::string::npos);
    CHECK(fixture.run({"conform", folder.path("bad.jsonl"), "--json"}) == ExitStatus::failed);
    const Json json = Json::parse(fixture.out.str());
    CHECK(json["differ"] == 1);
    CHECK(json["files"][0]["first"]["what"] == "loan target, pages");
}

TEST_CASE("conform fails where nothing was compared or a file cannot be read") {
    CtlFixture fixture;
    TempDir folder;
    std::ofstream(folder.path("empty.csv"))
        << "page_kb,simulate_loan_target_kb,min_mem_mb,loaned_pages,totalram_pages,oom_pages,delta,"
           "target_pages,action,requested\n";
    CHECK(fixture.run({"conform", folder.path("empty.csv")}) == ExitStatus::failed);
    CHECK(last_line(fixture.out.str()) == "0 compared, 0 differ");
    CHECK(fixture.run({"conform", folder.path("none.jsonl")}) == ExitStatus::failed);
    CHECK(fixture.err.str().find("none.jsonl") != std::string::npos);
    CHECK(fixture.run({"conform", folder.path(".")}) == ExitStatus::failed);
    CHECK(fixture.err.str().find("cannot read " + folder.path(".")) != std::string::npos);
    // One that is broken does not keep the others from being compared.
    CHECK(fixture.run({"conform", folder.path("none.jsonl"), traces + "00_smoke.4k.jsonl"}) ==
          ExitStatus::failed);
    CHECK(last_line(fixture.out.str()) == "59 compared, 0 differ");
    CHECK(fixture.run({"conform"}) == ExitStatus::usage);
}
