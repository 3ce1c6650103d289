// Commands that need no daemon.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "ctl_fixture.h"
#include "model/policy_catalogue.h"
#include "tests/paths.h"
#include "tests/unit/http/temp_dir.h"

using namespace ballast::ctl;
using namespace ballast::ctl::test;
using ballast::test::TempDir;

namespace {

constexpr const char* kScenario = R"(mode: simulate
backend: {name: pseries}
policy: {name: cmm}
scenario:
  description: One domain lends and takes back.
  duration: 2m
  domains:
    - name: lpar
      memory: 1GiB
      used: 256MiB
      loan: 128MiB
)";

std::string read(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

struct LocalFixture : CtlFixture {
    TempDir folder;
    std::string write(const std::string& name, const std::string& text) {
        std::ofstream(folder.path(name)) << text;
        return folder.path(name);
    }
};

}  // namespace

TEST_CASE("check-config accepts a valid file") {
    LocalFixture fixture;
    const std::string file = fixture.write("good.yaml", "mode: live\n");
    CHECK(fixture.run({"check-config", file}) == ExitStatus::done);
    CHECK(fixture.out.str() == file + ": valid\n");
    CHECK(fixture.run({"check-config", file, "--json"}) == ExitStatus::done);
    CHECK(Json::parse(fixture.out.str()) ==
          Json{{"file", file}, {"valid", true}, {"problems", Json::array()}});
}

TEST_CASE("check-config tells every problem with its place") {
    LocalFixture fixture;
    const std::string file = fixture.write("bad.yaml", "mode: dead\nnonsense: 1\n");
    CHECK(fixture.run({"check-config", file}) == ExitStatus::failed);
    CHECK(fixture.err.str().find(file + ":1:7: ") != std::string::npos);
    CHECK(fixture.err.str().find(file + ":2:1: ") != std::string::npos);
    CHECK(fixture.run({"check-config", file, "--json"}) == ExitStatus::failed);
    const Json told = Json::parse(fixture.out.str());
    CHECK(told["valid"] == false);
    REQUIRE(told["problems"].size() == 2);
    CHECK(told["problems"][1]["line"] == 2);
    CHECK(fixture.run({"check-config", fixture.folder.path("missing")}) == ExitStatus::failed);
}

TEST_CASE("simulate gives the same bytes each time, and a table for people") {
    LocalFixture fixture;
    const std::string file = fixture.write("scenario.yaml", kScenario);
    INFO(fixture.err.str());
    REQUIRE(fixture.run({"simulate", file, "--json"}) == ExitStatus::done);
    const std::string first = fixture.out.str();
    CHECK(Json::parse(first).is_object());
    CHECK(fixture.run({"simulate", file, "--json"}) == ExitStatus::done);
    CHECK(fixture.out.str() == first);
    CHECK(fixture.run({"simulate", file}) == ExitStatus::done);
    CHECK(fixture.out.str().find("lpar") != std::string::npos);
    CHECK(fixture.err.str().empty());
}

TEST_CASE("simulate takes another end and writes its ticks") {
    LocalFixture fixture;
    const std::string file = fixture.write("scenario.yaml", kScenario);
    const std::string csv = fixture.folder.path("ticks.csv");
    REQUIRE(fixture.run({"simulate", file, "--until", "5s", "--csv", csv}) == ExitStatus::done);
    const std::string text = read(csv);
    const auto lines = std::count(text.begin(), text.end(), '\n');
    CHECK(lines >= 5);
    CHECK(lines <= 8);
    CHECK(fixture.run({"simulate", file, "--csv", "/nowhere/x"}) == ExitStatus::failed);
    CHECK(fixture.err.str().find("/nowhere/x") != std::string::npos);
}

TEST_CASE("simulate writes a page, and prints what it prints without") {
    LocalFixture f;
    const std::string file = f.write("s.yaml", kScenario);
    REQUIRE(f.run({"simulate", file}) == ExitStatus::done);
    const std::string printed = f.out.str();
    REQUIRE(f.run({"simulate", file, "--report", f.folder.path("page.html")}) == ExitStatus::done);
    CHECK(f.out.str() == printed);
    const std::string page = read(f.folder.path("page.html"));
    CHECK(page.find("<!doctype html>") == 0);
    CHECK(page.find("\"lpar\"") != std::string::npos);
    CHECK(page.find("Policy cmm asks it to lend") != std::string::npos);
    CHECK(f.run({"simulate", file, "--report", f.folder.path("no/page.html")}) ==
          ExitStatus::failed);
    CHECK(f.err.str().find("cannot write " + f.folder.path("no/page.html")) != std::string::npos);
}

TEST_CASE("simulate draws a bar only where somebody looks, and takes it away") {
    LocalFixture fixture;
    const std::string file = fixture.write("scenario.yaml", kScenario);
    fixture.environment.err_terminal = {true, true, 60};
    REQUIRE(fixture.run({"simulate", file}) == ExitStatus::done);
    CHECK(fixture.err.str().find(" %") != std::string::npos);
    CHECK(fixture.err.str().ends_with("\r\033[K"));
}

TEST_CASE("simulate is silent beside its report, and tells simulated time when asked") {
    LocalFixture fixture;
    const std::string file = fixture.write(
        "oom.yaml", std::string(kScenario) + "  events:\n    - {at: 90s, do: oom, domain: lpar}\n" +
                        "    - {at: 95s, do: migrate, domain: lpar, lasts: 1s}\n");
    REQUIRE(fixture.run({"simulate", file}) == ExitStatus::done);
    CHECK(fixture.err.str().empty());
    CHECK(fixture.out.str().find("\nlpar   1 OOM (1 MiB taken back), 1 migration") !=
          std::string::npos);
    const std::string report = fixture.out.str();
    REQUIRE(fixture.run({"simulate", file, "--verbose"}) == ExitStatus::done);
    CHECK(fixture.out.str() == report);
    CHECK(fixture.err.str() ==
          "       1m30s  lpar: out of memory, took back 1 MiB\n"
          "       1m35s  lpar: migration_began\n"
          "       1m36s  lpar: migration_ended\n");
}

TEST_CASE("simulate takes another policy than the scenario's") {
    LocalFixture fixture;
    const std::string quiet = source_dir() + "/config/examples/quiet-host.yaml";
    const auto lent = [&](const std::vector<std::string>& more) {
        std::vector<std::string> line{"simulate", quiet, "--json"};
        line.insert(line.end(), more.begin(), more.end());
        const ExitStatus status = fixture.run(line);
        INFO(fixture.err.str());
        REQUIRE(status == ExitStatus::done);
        return fixture.out.str();
    };
    const std::string as_written = lent({});
    CHECK(lent({"--policy", "static"}) != as_written);
    // Nor does the driver's simulate mode stand in the way; its own policy stays as it is.
    std::string text = kScenario;
    text.replace(text.find("policy: {name: cmm}"), 19,
                 "cmm: {simulate: true, simulate_loan_target_kb: 131072}");
    const std::string fixed = fixture.write("fixed.yaml", text);
    const auto run = [&](const std::string& policy) {
        REQUIRE(fixture.run({"simulate", fixed, "--json", "--policy", policy}) == ExitStatus::done);
        return fixture.out.str();
    };
    REQUIRE(fixture.run({"simulate", fixed, "--json"}) == ExitStatus::done);
    CHECK(run("fixed") == fixture.out.str());
    CHECK(run("static") != run("fixed"));
}

TEST_CASE("simulate refuses a policy that it does not know") {
    LocalFixture fixture;
    const std::string file = fixture.write("scenario.yaml", kScenario);
    CHECK(fixture.run({"simulate", file, "--policy", "statik"}) == ExitStatus::usage);
    CHECK(fixture.err.str().find("--policy: there is no policy 'statik'; did you mean static?") !=
          std::string::npos);
    CHECK(fixture.run({"simulate", file, "--policy", "zzzzz"}) == ExitStatus::usage);
    CHECK(fixture.err.str().find("expected ballast, cmm, fixed") != std::string::npos);
    CHECK(fixture.run({"simulate", file, "--policy", "clairvoyant"}) == ExitStatus::usage);
}

TEST_CASE("simulate takes every policy that there is") {
    LocalFixture fixture;
    const std::string file = fixture.write("scenario.yaml", kScenario);
    for (const ballast::PolicyEntry& entry : ballast::policy_catalogue()) {
        INFO(entry.name);
        CHECK(fixture.run({"simulate", file, "--policy", std::string(entry.name)}) ==
              ExitStatus::done);
    }
}

TEST_CASE("simulate refuses what is not a scenario") {
    LocalFixture fixture;
    const std::string live = fixture.write("live.yaml", "mode: live\n");
    CHECK(fixture.run({"simulate", live}) == ExitStatus::failed);
    CHECK(fixture.err.str().starts_with(live + ": not a scenario"));
    CHECK(fixture.run({"simulate", fixture.write("bad.yaml", "x: 1\n")}) == ExitStatus::failed);
    CHECK(fixture.err.str().find("bad.yaml:1:1: ") != std::string::npos);
    CHECK(fixture.run({"simulate", fixture.folder.path("missing")}) == ExitStatus::failed);
}
