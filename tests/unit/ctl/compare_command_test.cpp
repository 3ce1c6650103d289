#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "ctl/compare_options.h"
#include "ctl/file_contents.h"
#include "ctl_fixture.h"
#include "tests/paths.h"
#include "tests/unit/http/temp_dir.h"

using namespace ballast::ctl;
using namespace ballast::ctl::test;
using ballast::test::TempDir;

namespace {

const std::string kTrace = test_data() + "/traces/office.csv";
const std::string kScenario = source_dir() + "/config/examples/quiet-host.yaml";
const std::string kLoans = source_dir() + "/config/examples/oom-credit.yaml";

struct CompareFixture : CtlFixture {
    TempDir folder;
    std::string write(const std::string& name, const std::string& text) {
        std::ofstream(folder.path(name)) << text;
        return folder.path(name);
    }
    Json compare(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "compare");
        arguments.emplace_back("--json");
        const ExitStatus status = run(arguments);
        INFO(err.str());
        REQUIRE(status == ExitStatus::done);
        return Json::parse(out.str());
    }
};

std::vector<double> numbers(const std::string& text) {
    const auto read = parse_numbers(text, 0, 10);
    return read ? *read : std::vector<double>{-1};
}

}  // namespace

TEST_CASE("numbers are listed, counted up, or both") {
    CHECK(numbers("2,1.5") == std::vector<double>{1.5, 2});
    CHECK(numbers("1:2:0.25") == std::vector<double>{1, 1.25, 1.5, 1.75, 2});
    CHECK(numbers("1:2:0.3").size() == 4);
    CHECK(numbers("0:1:0.1").back() == 1);
    CHECK(numbers("3,1:2:1,2") == std::vector<double>{1, 2, 3});
    for (const char* bad : {"", "x", "1,", "1:2", "2:1:1", "1:2:0", "1:2:-1", "11", "-1", "nan",
                            "0:10:0.001", "1:2:1:1", "1 2"})
        CHECK(numbers(bad) == std::vector<double>{-1});
}

TEST_CASE_METHOD(CompareFixture, "compare runs every policy at every ratio, floor and k") {
    const Json json = compare({kTrace, "--policies", "static", "--overcommit", "1,2", "--floor",
                               "0,10", "--k", "1", "--tick", "30s"});
    REQUIRE(json["results"].size() == 8);
    CHECK(json["results"][0]["policy"] == "static");
    CHECK(json["results"][0]["input"] == kTrace);
    CHECK(json["results"][7]["policy"] == "clairvoyant");
    CHECK(json["results"][7]["overcommit"] == 2);
    CHECK(json["results"][7]["floor_percent"] == 10);
    REQUIRE(json["density"].size() == 4);
    CHECK(json["density"][0]["density"] == 1);
    const std::string first = out.str();
    compare({kTrace, "--policies", "static", "--overcommit", "1,2", "--floor", "0,10", "--k", "1",
             "--tick", "30s", "--jobs", "2"});
    CHECK(out.str() == first);
    CHECK(err.str().empty());
}

TEST_CASE_METHOD(CompareFixture,
                 "compare leaves out what has nothing to go by unless it is named") {
    const auto policies = [](const Json& json) {
        std::vector<std::string> names;
        for (const Json& one : json["density"]) names.push_back(one["policy"]);
        return names;
    };
    const auto has = [](const std::vector<std::string>& names, const std::string& name) {
        return std::count(names.begin(), names.end(), name);
    };
    const auto on_trace = policies(compare({kTrace, "--overcommit", "1", "--tick", "5m"}));
    CHECK(has(on_trace, "static") == 1);
    CHECK(has(on_trace, "clairvoyant") == 1);
    CHECK(has(on_trace, "cmm") == 0);
    CHECK(has(on_trace, "fixed") == 0);
    const auto on_loans = policies(compare({kLoans}));
    CHECK(has(on_loans, "cmm") == 1);
    CHECK(has(on_loans, "fixed") == 0);
    const auto named = policies(
        compare({kTrace, "--policies", "fixed, clairvoyant", "--overcommit", "1", "--tick", "5m"}));
    CHECK(named == std::vector<std::string>{"static", "fixed", "clairvoyant"});
}

TEST_CASE_METHOD(CompareFixture, "compare takes a scenario's host, minimum and events") {
    const Json json = compare({kScenario, "--samples", "4"});
    const Json& first = json["results"][0];
    CHECK(first["overcommit"] == 1.25);
    CHECK(first["host_gib"] == 32);
    CHECK(first["samples"].size() == 4);
    // 1 GiB that keeps 256 MiB whatever its hypervisor asks.
    const std::string file = write("greedy.yaml",
                                   "mode: simulate\ncmm: {min_mem_mb: 256}\n"
                                   "backend: {name: pseries}\npolicy: {name: cmm}\n"
                                   "scenario:\n  description: x\n  duration: 10m\n"
                                   "  domains:\n    - {name: a, memory: 1GiB, loan: 1GiB}\n"
                                   "  events:\n    - {at: 1s, do: oom, domain: a}\n");
    const Json greedy = compare({file, "--samples", "1"});
    CHECK(greedy["results"][2]["policy"] == "cmm");
    CHECK(greedy["results"][2]["samples"][0]["lent_bytes"] == 768U << 20U);
    CHECK(err.str().find(file + ": left out: events") == 0);
}

TEST_CASE_METHOD(CompareFixture, "compare shows a table with the front and densities") {
    REQUIRE(run({"compare", kTrace, "--policies", "static", "--overcommit", "1:2:0.5"}) ==
            ExitStatus::done);
    const std::string text = out.str();
    CHECK(text.find("POLICY") != std::string::npos);
    CHECK(text.find("static       10% + 2x   1.00   0.0000  *") != std::string::npos);
    CHECK(text.find("DENSITY") != std::string::npos);
    CHECK(text.find("nobody else lends as much with less harm") != std::string::npos);
}

TEST_CASE_METHOD(CompareFixture, "compare draws a bar only where somebody looks") {
    environment.err_terminal = {true, true, 60};
    REQUIRE(run({"compare", kTrace, "--policies", "static", "--tick", "5m"}) == ExitStatus::done);
    CHECK(err.str().find(" %") != std::string::npos);
    CHECK(err.str().ends_with("\r\033[K"));
}

TEST_CASE_METHOD(CompareFixture, "constants of the model can be set") {
    const auto stall = [](const Json& json) {
        return json["results"][0]["stall_percent"].get<double>();
    };
    const std::vector<std::string> line{kTrace, "--policies", "static", "--overcommit", "3"};
    std::vector<std::string> cheap = line;
    cheap.insert(cheap.end(), {"--model", "host_fault_us=1"});
    std::vector<std::string> dear = line;
    dear.insert(dear.end(), {"--model", "host_fault_us=200"});
    CHECK(stall(compare(cheap)) < stall(compare(dear)));
}

TEST_CASE_METHOD(CompareFixture, "compare says what it does not understand") {
    const auto told = [this](std::vector<std::string> arguments, ExitStatus status) {
        arguments.insert(arguments.begin(), "compare");
        CHECK(run(arguments) == status);
        return out.str() + err.str();
    };
    const auto contains = [](const std::string& text, const std::string& part) {
        INFO(text);
        CHECK(text.find(part) != std::string::npos);
    };
    contains(told({kTrace, "--policies", "statik"}, ExitStatus::usage), "did you mean static?");
    contains(told({kTrace, "--policies", "zzz"}, ExitStatus::usage),
             "expected ballast, cmm, fixed, static");
    contains(told({kTrace, "--overcommit", "0"}, ExitStatus::usage), "expected numbers from 0.1");
    contains(told({kTrace, "--tick", "1ms"}, ExitStatus::usage), "expected 100ms to 1h");
    contains(told({kTrace, "--model", "x=1"}, ExitStatus::usage), "with one of turnover_s");
    contains(told({kTrace, "--set", "static"}, ExitStatus::usage), "POLICY.NUMBER=VALUE");
    contains(told({kTrace, "--set", "static.x=1"}, ExitStatus::usage), "static takes none");
    contains(told({kTrace, "--set", "fixed.x=1"}, ExitStatus::usage), "a policy that is compared");
    contains(told({"/nowhere.csv"}, ExitStatus::failed), "cannot read /nowhere.csv");
    const std::string broken = write("t.csv", "vm,t_s,capacity_kib,used_kib\na,0,5,6\n");
    contains(told({broken}, ExitStatus::failed), broken + ":2:7: used_kib is '6'");
    contains(told({write("live.yaml", "mode: live\n")}, ExitStatus::failed), "neither a trace");
    contains(told({write("bad.yaml", "x: 1\n")}, ExitStatus::failed), "bad.yaml:1:1: ");
    CHECK(run({"compare"}) == ExitStatus::usage);
}

TEST_CASE_METHOD(CompareFixture, "compare writes a page, and prints what it prints without") {
    const std::vector<std::string> line{"compare", kTrace,         "--policies",
                                        "static",  "--overcommit", "1,2"};
    REQUIRE(run(line) == ExitStatus::done);
    const std::string printed = out.str();
    std::vector<std::string> with_page = line;
    with_page.insert(with_page.end(), {"--report", folder.path("page.html")});
    REQUIRE(run(with_page) == ExitStatus::done);
    CHECK(out.str() == printed);
    const auto page = file_contents(folder.path("page.html"));
    REQUIRE(page);
    CHECK(page->find("<!doctype html>") == 0);
    CHECK(page->find("\"desktop-1\"") != std::string::npos);
    // Nothing is run where nothing could be written.
    with_page.back() = folder.path("no/page.html");
    CHECK(run(with_page) == ExitStatus::failed);
    CHECK(err.str().find("cannot write " + with_page.back()) != std::string::npos);
    CHECK(out.str().empty());
    // Nor over what is read.
    const std::string trace = write("own.csv", *file_contents(kTrace));
    CHECK(run({"compare", trace, "--policies", "static", "--report", trace}) == ExitStatus::failed);
    CHECK(err.str().find(trace + " is an input") != std::string::npos);
    CHECK(*file_contents(trace) == *file_contents(kTrace));
}
