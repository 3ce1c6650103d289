#include <catch2/catch.hpp>

#include "config/config.h"
#include "tests/unit/config/files.h"

using namespace ballast;
using namespace std::chrono_literals;

namespace {

Scenario read_valid() {
    auto result = load_config(test::data("valid/scenario.yaml").string());
    if (const auto* const problems = std::get_if<ConfigProblems>(&result)) FAIL(problems->text());
    return *std::get<Settings>(result).scenario;
}

std::string problems_of(const std::string& scenario) {
    const auto result = parse_config(
        "mode: simulate\nbackend: {name: mock}\nscenario:\n  description: x\n" + scenario, "f");
    const auto* const problems = std::get_if<ConfigProblems>(&result);
    return problems == nullptr ? "" : problems->text();
}

}  // namespace

TEST_CASE("a scenario's frame is read") {
    const Scenario scenario = read_valid();
    CHECK(scenario.description == "Everything that a scenario may hold.");
    CHECK(scenario.duration == 1h);
    CHECK(scenario.seed == 7);
    CHECK(scenario.pool.memory_bytes == 64 * kGiB);
    CHECK(scenario.pool.reserve_bytes == kGiB);
}

TEST_CASE("a scenario's domains are read, and what they leave out has a default") {
    const Scenario scenario = read_valid();
    REQUIRE(scenario.domains.size() == 2);
    const ScenarioDomain& web = scenario.domains[0];
    CHECK(web.name == "web");
    CHECK(web.count == 3);
    CHECK(web.memory_bytes == 4 * kGiB);
    CHECK(web.page_bytes == 4096);
    CHECK(web.memory_block_bytes == 128 * kMiB);
    CHECK(web.entitled_bytes == 2 * kGiB);
    CHECK(web.weight == 255);
    CHECK_FALSE(web.deflate_on_oom);
    CHECK(web.speed_bytes_per_s == 64 * kMiB);
    REQUIRE(web.used.points.size() == 2);
    CHECK(web.used.points[1].at == 30min);
    CHECK(web.used.points[1].bytes == 2560 * kMiB);
    CHECK(web.used.period == 1h);
    CHECK(web.used.jitter_percent == 5);
    REQUIRE(web.loan);
    REQUIRE(web.loan->points.size() == 1);
    CHECK(web.loan->points[0].bytes == kGiB);

    const ScenarioDomain& db = scenario.domains[1];
    CHECK(db.count == 1);
    CHECK(db.memory_bytes == kGiB);
    CHECK(db.page_bytes == 65536);
    CHECK(db.used.points.empty());
    CHECK_FALSE(db.loan);
}

TEST_CASE("every action of the model has its word in a scenario") {
    const Scenario scenario = read_valid();
    for (unsigned action = 0; action <= static_cast<unsigned>(ScenarioAction::set_parameter);
         ++action) {
        CAPTURE(action);
        CHECK(std::any_of(scenario.events.begin(), scenario.events.end(), [&](const auto& event) {
            return static_cast<unsigned>(event.action) == action;
        }));
    }
    CHECK(scenario.events[2].domain.empty());
    CHECK(scenario.events[1].bytes == 3 * kGiB);
    CHECK(scenario.events[3].lasts == 10s);
    CHECK(scenario.events[14].parameter == "min_mem_mb");
    CHECK(scenario.events[14].value == "512");
}

TEST_CASE("a scenario's faults are read") {
    const Scenario scenario = read_valid();
    REQUIRE(scenario.faults.size() == 4);
    CHECK(scenario.faults[0].call == "observe");
    CHECK(scenario.faults[0].answer == "timeout");
    CHECK(scenario.faults[0].from == 20min);
    CHECK(scenario.faults[0].until == 21min);
    CHECK(scenario.faults[0].every == 2);
    CHECK(scenario.faults[1].times == 3U);
    CHECK(scenario.faults[2].skip == 5);
    CHECK(scenario.faults[3].answer.empty());
    CHECK(scenario.faults[3].delay == 3s);
}

TEST_CASE("programs may use memory that hotplug brings") {
    const std::string domains = "  domains: [{name: a, memory: 1GiB}]\n  events:\n";
    const std::string use = "    - {at: 2m, do: used, domain: a, size: 1.5GiB}\n";
    CHECK_FALSE(problems_of(domains + use).empty());
    CHECK(problems_of(domains + "    - {at: 1m, do: hotplug_add, domain: a, size: 512MiB}\n" + use)
              .empty());
}

TEST_CASE("an event for all domains is held to each of them") {
    CHECK(problems_of("  domains: [{name: a, memory: 2GiB}, {name: b, memory: 1GiB}]\n"
                      "  events: [{at: 1m, do: used, size: 1.5GiB}]\n")
              .find("expected at most what 'b' has, 1 GiB") != std::string::npos);
}

TEST_CASE("domains that cannot be read do not make every event wrong") {
    CHECK(problems_of("  domains: [{nam: a}]\n  events: [{at: 1m, do: oom, domain: a}]\n") ==
          "f:5:13: scenario.domains[0].name is missing, expected the domain's name\n"
          "f:5:14: unknown key 'scenario.domains[0].nam'; did you mean 'name'?\n");
}

TEST_CASE("a million domains are read") {
    CHECK(problems_of("  domains: [{name: a, count: 1000000}]\n"
                      "  events: [{at: 1m, do: oom, domain: a1000000}]\n")
              .empty());
}

TEST_CASE("behind the mock, the pool's reserve is the host's, unless the file sets one") {
    const auto reserve_of = [](const std::string& backend, const std::string& host) {
        const auto result = parse_config(
            "mode: simulate\nbackend: {name: " + backend + "}\n" + host +
                "scenario:\n  description: x\n  pool: {memory: 4GiB, reserve: 256MiB}\n"
                "  domains: [{name: a}]\n",
            "f");
        return std::get<Settings>(result).host.reserve_bytes;
    };
    CHECK(reserve_of("mock", "") == 256 * kMiB);
    CHECK(reserve_of("mock", "host: {reserve: 1MiB}\n") == kMiB);
    CHECK(reserve_of("mock", "host: {reserve: 0}\n") == 0);
    // Its hypervisor keeps the reserve by itself.
    CHECK(reserve_of("pseries", "") == 0);
}

TEST_CASE("guests above 8 TiB are accepted, as far as the backend can count their pages") {
    CHECK(problems_of("  domains:\n    - {name: a, memory: 9TiB, page: 4KiB, used: 8.5TiB}\n") ==
          "");
    CHECK(problems_of("  domains:\n    - {name: a, memory: 24TiB}\n    - {name: b, memory: 4PiB}\n")
              .empty());
    const auto pseries = [](const std::string& domain) {
        const auto result = parse_config(
            "mode: simulate\nbackend: {name: pseries}\nscenario:\n  description: x\n  domains: [" +
                domain + "]\n",
            "f");
        return std::holds_alternative<Settings>(result);
    };
    CHECK(pseries("{name: a, memory: 32TiB}"));
    CHECK(pseries("{name: a, memory: 128TiB}"));
    CHECK(pseries("{name: a, memory: 8TiB, page: 4KiB}"));
    CHECK_FALSE(pseries("{name: a, memory: 16TiB, page: 4KiB}"));
}
