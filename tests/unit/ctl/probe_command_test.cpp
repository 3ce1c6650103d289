// ballastctl probe, with few and short experiments.
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "ctl/probe_view.h"
#include "ctl_fixture.h"
#include "tests/unit/http/temp_dir.h"
#include "tests/unit/probe/made_finding.h"

using namespace ballast::ctl;
using namespace ballast::ctl::test;
using namespace ballast;
using ballast::test::made_finding;
using ballast::test::TempDir;
using Catch::Matchers::Contains;

namespace {

struct ProbeFixture : CtlFixture {
    // One reader, which every machine has room for.
    ExitStatus probe(std::vector<std::string> more) {
        std::vector<std::string> line{"probe", "--loops", "100", "--nruns", "3", "--nreaders", "1"};
        line.insert(line.end(), more.begin(), more.end());
        return run(line);
    }
    Json json() const { return Json::parse(out.str()); }
};

std::vector<probe::Row> rows() {
    return probe::rows_of(
        {made_finding("empty", 1, {0.5, 0.5, 0.5}), made_finding("refcnt", 1, {10, 10, 10}),
         made_finding("refcnt", 2, {50, 50, 56}), made_finding("lock", 1, {1, 50, 99}),
         made_finding("refcnt", 0, {1500, 1500, 1500})},
        3);
}

}  // namespace

TEST_CASE("probe measures what was asked for, and what all is compared with") {
    ProbeFixture fixture;
    REQUIRE(fixture.probe({"--scale-type", "seqlock", "--json"}) == ExitStatus::done);
    const Json list = fixture.json();
    REQUIRE(list.size() == 3);
    CHECK(list[0]["scale_type"] == "empty");
    CHECK(list[1]["scale_type"] == "refcnt");
    CHECK(list[2]["scale_type"] == "seqlock");
    for (const Json& row : list)
        for (const char* const field :
             {"readers", "min_ns", "median_ns", "iqr_ns", "kept", "tried", "valid"})
            CHECK(row.contains(field));
    // Of each clean experiment each reader's total, and what it makes a section.
    const Json& experiments = list[2]["experiments"];
    REQUIRE(experiments.size() == list[2]["kept"].get<std::size_t>());
    REQUIRE(!experiments.empty());
    REQUIRE(experiments[0]["totals_ns"].size() == 1);
    CHECK(experiments[0]["totals_ns"][0].get<double>() / 100 >=
          experiments[0]["average_ns"].get<double>());
    CHECK(experiments[0]["average_ns"].get<double>() >= 0);
    REQUIRE(fixture.probe({}) == ExitStatus::done);
    for (const probe::ScaleType& type : probe::scale_types())
        CHECK_THAT(fixture.out.str(), Contains(std::string(type.name)));
}

TEST_CASE("probe tells of each experiment where it is asked to") {
    ProbeFixture fixture;
    REQUIRE(fixture.probe({"--scale-type", "refcnt", "--verbose"}) == ExitStatus::done);
    CHECK_THAT(fixture.err.str(), Contains("refcnt: 1 readers, experiment 1: "));
}

TEST_CASE("the kernel's format has its lines, for one scale type") {
    ProbeFixture fixture;
    REQUIRE(fixture.probe({"--format", "kernel", "--scale-type", "srcu"}) == ExitStatus::done);
    std::istringstream lines(fixture.out.str());
    std::vector<std::string> got;
    for (std::string line; std::getline(lines, line);) got.push_back(line);
    REQUIRE(got.size() == 16);
    CHECK(got[0] ==
          "srcu-ref-scale: --- Start of test:  verbose=0 shutdown=0 holdoff=0 loops=100 nreaders=1 "
          "nruns=3 readdelay=0");
    for (std::size_t run = 0; run < 3; ++run) {
        CHECK(got[1 + 3 * run] == "srcu-ref-scale: Experiment #" + std::to_string(run) +
                                      " (Format: <THREAD-NUM>:<Total loop time in ns>)");
        CHECK_THAT(got[2 + 3 * run], Catch::StartsWith("0: ") && Catch::EndsWith("\t"));
        CHECK(got[3 + 3 * run].empty());
    }
    CHECK(got[10] ==
          "srcu-ref-scale: END OF TEST. Calculating average duration per loop (nanoseconds)...");
    CHECK(got[11] == "srcu-ref-scale: ");
    CHECK(got[12] == "Runs\tTime(ns)");
    // The average is the total over all sections.
    const double total_ns = std::stod(got[2].substr(3));
    CHECK(std::stod(got[13].substr(2)) == Approx(total_ns / 100).margin(0.001));
    REQUIRE(fixture.probe({"--format", "kernel"}) == ExitStatus::done);
    CHECK_THAT(fixture.out.str(), Catch::StartsWith("rcu-ref-scale: "));
}

TEST_CASE("bad parameters of the probe are usage errors that say what was expected") {
    ProbeFixture fixture;
    const auto refused = [&](const std::vector<std::string>& line) {
        CHECK(fixture.run(line) == ExitStatus::usage);
        CHECK(fixture.out.str().empty());
        return fixture.err.str();
    };
    CHECK_THAT(refused({"probe", "--scale-type", "rcuu"}),
               Contains("scale_type is 'rcuu'") && Contains("srcu-fast"));
    CHECK_THAT(refused({"probe", "--scale-type", "rcuu", "--format", "kernel"}),
               Contains("scale_type is 'rcuu'"));
    CHECK_THAT(refused({"probe", "--loops", "0"}), Contains("loops is 0, expected 1 to "));
    CHECK_THAT(refused({"probe", "--loops", "4294967296"}), Contains("loops is 4294967296"));
    CHECK_THAT(refused({"probe", "--loops", "99999999999999999999"}),
               Contains("loops is 9223372036854775807, expected 1 to"));
    CHECK_THAT(refused({"probe", "--nreaders", "0"}), Contains("nreaders is 0, expected 1 to "));
    CHECK_THAT(refused({"probe", "--nreaders", "100000"}), Contains("nreaders is 100000"));
    CHECK_THAT(refused({"probe", "--nruns", "0"}), Contains("nruns is 0"));
    CHECK_THAT(refused({"probe", "--format", "kernel", "--json"}), Contains("--format kernel"));
    CHECK_THAT(
        refused({"probe", "--format", "kernel", "--scale-type", "rcu", "--scale-type", "srcu"}),
        Contains("at most one --scale-type"));
    CHECK_THAT(refused({"probe", "--reads-per-s", "-1", "--explain"}), Contains("--reads-per-s"));
}

TEST_CASE("explain shows the daemon's choice, or without one what is measured here") {
    ProbeFixture fixture;
    fixture.answer(200, R"({"choices":[{"text":"module_refs: percpu\n"},{"text":"b\n"}]})");
    REQUIRE(fixture.probe({"--explain"}) == ExitStatus::done);
    CHECK(fixture.script.sent.back() == "GET /api/v1/probe");
    CHECK(fixture.out.str() == "module_refs: percpu\nb\n");

    REQUIRE(fixture.probe({"--explain"}) == ExitStatus::done);  // nobody answers now
    CHECK_THAT(fixture.err.str(), Contains("no daemon answers"));
    CHECK_THAT(fixture.out.str(), Contains("-> ") && Contains("100 reads/s, 1 updates/s"));

    REQUIRE(fixture.probe({"--explain", "--reads-per-s", "1e6", "--json"}) == ExitStatus::done);
    CHECK(fixture.json()["reads_per_second"] == 1e6);
}

TEST_CASE("the report is a page that holds everything it shows") {
    ProbeFixture fixture;
    const TempDir folder;
    REQUIRE(fixture.probe({"--scale-type", "rcu", "--report", folder.path("page.html")}) ==
            ExitStatus::done);
    std::stringstream page;
    page << std::ifstream(folder.path("page.html")).rdbuf();
    CHECK_THAT(page.str(), Contains("<svg") && Contains("refcnt") && Contains("100 loops"));
    CHECK_THAT(page.str(), !Contains("http://") && !Contains("https://") && !Contains("src="));
    CHECK(fixture.probe({"--scale-type", "rcu", "--report", "/no/such/folder/page.html"}) ==
          ExitStatus::failed);
    CHECK_THAT(fixture.err.str(), Contains("cannot write /no/such/folder/page.html"));
}

TEST_CASE("the table has a figure where one can be told, and else why not") {
    const std::string table = probe_table(rows(), {});
    CHECK_THAT(table, Contains("1.5 us"));
    CHECK_THAT(table, Contains("noisy: 3 of 5"));
    CHECK_THAT(table, Contains("too noisy to tell: 3 of 5 experiments were clean, spread 98 %"));
    CHECK_THAT(table, Contains("   20      1.00  1.5 us"));
}

TEST_CASE("the chart's bars grow with the logarithm of the cost") {
    Terminal terminal;
    terminal.width = 60;
    std::istringstream lines(probe_chart(rows(), terminal));
    std::vector<std::size_t> lengths;
    for (std::string line; std::getline(lines, line);) {
        std::size_t length = 0;
        for (std::size_t at = 0; (at = line.find("█", at)) != line.npos; at += 3) ++length;
        lengths.push_back(length);
    }
    REQUIRE(lengths.size() == 4);
    CHECK(lengths[0] <= 2);
    CHECK(lengths[1] > 5);
    CHECK(lengths[2] > lengths[1]);
    CHECK(lengths[3] == 0);  // no figure, no bar
}
