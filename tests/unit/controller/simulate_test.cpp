#include "controller/simulate.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "base/log.h"
#include "config/config.h"

using namespace ballast;
using namespace std::chrono_literals;

namespace {

Settings settings_from(const std::string& text) {
    const ConfigResult loaded = parse_config(text, "test.yaml");
    if (const auto* problems = std::get_if<ConfigProblems>(&loaded)) FAIL(problems->text());
    return std::get<Settings>(loaded);
}

const std::string kOom = R"(
mode: simulate
cmm: {delay: 1s, min_mem_mb: 64, oom_kb: 8192}
backend: {name: pseries}
policy: {name: cmm}
scenario:
  description: "A guest runs out of memory."
  duration: 2m
  domains:
    - name: g
      memory: 512MiB
      used: {points: [[0s, 100MiB], [30s, 100MiB], [31s, 300MiB]], jitter_percent: 3}
      loan: 350MiB
  events:
    - {at: 90s, do: set, domain: g, parameter: min_mem_mb, value: 256}
)";

}  // namespace

TEST_CASE("the same file and seed give the same report to the byte") {
    const Settings settings = settings_from(kOom);
    const auto first = simulate(settings, {});
    const auto second = simulate(settings, {});
    REQUIRE(first);
    REQUIRE(second);
    CHECK(report_json(*first) == report_json(*second));
    SimulateOptions other;
    other.seed = 2;
    CHECK(report_json(*simulate(settings, other)) != report_json(*first));
}

TEST_CASE("a simulated OOM is credited, bounds later loans, and min_mem set on the way binds") {
    const auto report = simulate(settings_from(kOom), {});
    REQUIRE(report);
    REQUIRE(report->domains.size() == 1);
    const DomainReport& domain = report->domains[0];
    CHECK(domain.most_loaned_bytes == 350 * kMiB);
    CHECK(domain.oom_freed_bytes > 0);
    CHECK(domain.loaned_bytes < 350 * kMiB - 100 * kMiB);
    CHECK(domain.loaned_bytes <= 256 * kMiB);
    CHECK(domain.inflated_bytes - domain.deflated_bytes == domain.loaned_bytes);
    CHECK(report->ticks == 120);
}

TEST_CASE("until cuts a run short, and the CSV has one line per domain and tick") {
    std::ostringstream csv;
    SimulateOptions options;
    options.until = 30s;
    options.csv = &csv;
    const auto report = simulate(settings_from(kOom), options);
    REQUIRE(report);
    CHECK(report->ticks == 30);
    const std::string text = csv.str();
    CHECK(std::count(text.begin(), text.end(), '\n') == 31);
    CHECK(text.rfind("time_s,domain,", 0) == 0);
}

TEST_CASE("a changed delay counts after the current sleep") {
    std::ostringstream csv;
    SimulateOptions options;
    options.csv = &csv;
    const auto report = simulate(settings_from(R"(
mode: simulate
cmm: {delay: 10s}
backend: {name: pseries}
policy: {name: cmm}
scenario:
  description: "An operator grows impatient."
  duration: 22s
  domains: [{name: g, memory: 512MiB}]
  events: [{at: 12s, do: set, parameter: delay, value: 1}]
)"),
                                 options);
    REQUIRE(report);
    std::istringstream lines(csv.str());
    std::vector<std::string> times;
    for (std::string line; std::getline(lines, line);)
        times.push_back(line.substr(0, line.find(',')));
    CHECK(times == std::vector<std::string>{"time_s", "10.000", "20.000", "21.000", "22.000"});
}

TEST_CASE("the text report names each domain and draws its loan") {
    const auto report = simulate(settings_from(kOom), {});
    REQUIRE(report);
    const std::string text = report_text(*report, {});
    CHECK(text.find("A guest runs out of memory.") != std::string::npos);
    CHECK(text.find("g          512 MiB") != std::string::npos);
    CHECK(text.find("▅") != std::string::npos);
    CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("a simulation's log has simulated time, and without a taker it is silent") {
    std::vector<std::string> daemon_log;
    const log::Redirect outside(
        [&](log::Level, std::string_view line) { daemon_log.emplace_back(line); });
    const auto quiet = simulate(settings_from(kOom), {});
    REQUIRE(quiet);
    CHECK(daemon_log.empty());

    std::vector<std::pair<Duration, std::string>> told;
    SimulateOptions verbose;
    verbose.log = [&](Duration since_start, std::string_view line) {
        told.emplace_back(since_start, line);
    };
    const auto report = simulate(settings_from(kOom), verbose);
    REQUIRE(report);
    CHECK(daemon_log.empty());
    REQUIRE_FALSE(told.empty());
    CHECK(told[0].first == 32s);  // seen by the tick at 31 s, handled by the next
    CHECK(told[0].second.rfind("g: out of memory, took back ", 0) == 0);
    CHECK(report_json(*report) == report_json(*quiet));
}

TEST_CASE("a report counts what happened to each domain") {
    const auto report = simulate(settings_from(R"(
mode: simulate
cmm: {delay: 1s, min_mem_mb: 64, oom_kb: 8192}
backend: {name: mock}
scenario:
  description: "Something of each."
  duration: 1m
  domains:
    - {name: a, memory: 1GiB, used: 100MiB, loan: 512MiB}
    - {name: b, memory: 1GiB, used: 100MiB, loan: 512MiB}
  events:
    - {at: 10s, do: oom, domain: a}
    - {at: 12s, do: oom, domain: a}
    - {at: 15s, do: hotplug_remove, domain: b, size: 64MiB, lasts: 2s}
    - {at: 20s, do: domain_stop, domain: b}
    - {at: 30s, do: set, domain: b, parameter: min_mem_mb, value: 128}
  faults:
    - {call: apply, answer: refuse, domain: a, times: 3}
)"),
                                 {});
    REQUIRE(report);
    REQUIRE(report->domains.size() == 2);
    CHECK(happened_text(report->domains[0]) == "2 OOMs (16 MiB taken back), 3 refused moves");
    CHECK(happened_text(report->domains[1]) == "1 hotplug, 1 stop");
    CHECK_FALSE(report->domains[1].present);
    CHECK(report->refused_settings == 1);
}

TEST_CASE("years pass without harm") {
    Settings settings = settings_from(kOom);
    settings.cmm.delay = std::chrono::hours(24 * 30);
    SimulateOptions options;
    options.until = std::chrono::hours(24 * 3650);
    double done = 0;
    options.progress = [&](double share) {
        CHECK(share >= done);
        done = share;
    };
    const auto report = simulate(std::move(settings), options);
    REQUIRE(report);
    CHECK(report->ticks == 121);
    CHECK(done == Approx(0.99).margin(0.011));
    for (const std::uint64_t sample : report->domains[0].loaned_series)
        CHECK(sample != kUnknownBytes);
}

TEST_CASE("a file without a scenario cannot be simulated") {
    const auto refused = simulate(Settings{}, {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::invalid_argument);
}

TEST_CASE("memory that a scenario reserves is lent by others, until the reservation ends") {
    const std::string text = R"(
mode: simulate
cmm: {delay: 1s, min_mem_mb: 64}
backend: {name: mock}
policy: {name: fixed}
scenario:
  description: "Memory is reserved for a minute."
  duration: 3m
  pool: {memory: 4GiB}
  domains: [{name: g, count: 2, memory: 2GiB, used: 300MiB}]
  events:
    - {at: 1m, do: reserve, size: 1GiB, lasts: 1m}
)";
    const auto report = simulate(settings_from(text), {});
    REQUIRE(report);
    for (const DomainReport& domain : report->domains) {
        CHECK(domain.most_loaned_bytes == 512 * kMiB);
        CHECK(domain.loaned_bytes == 0);
    }
    CHECK(report->refused_settings == 0);

    std::string refusing = text;
    refusing.replace(refusing.find("fixed"), 5, "cmm");
    CHECK(simulate(settings_from(refusing), {})->refused_settings == 1);
}

TEST_CASE("faults of the hypervisor's calls hold a domain, but not where simulate makes none") {
    const auto [cmm, policy, held] = GENERATE(table<std::string, std::string, bool>({
        {"simulate: true", "cmm", false},
        {"simulate: true", "fixed", false},
        {"simulate: true, simulate_hypervisor: true", "cmm", true},
        {"simulate: false", "fixed", true},
    }));
    const std::string call = GENERATE(as<std::string>{}, "H_GET_MPP", "H_PAGE_INIT");
    CAPTURE(cmm, policy, call);
    const auto report = simulate(settings_from("mode: simulate\ncmm: {" + cmm +
                                               ", simulate_loan_target_kb: 65536}\n"
                                               "backend: {name: pseries}\npolicy: {name: " +
                                               policy +
                                               "}\nscenario:\n"
                                               "  description: A hypervisor that is broken.\n"
                                               "  duration: 30s\n"
                                               "  domains: [{name: g, memory: 1GiB}]\n"
                                               "  faults: [{call: " +
                                               call + ", answer: H_HARDWARE}]\n"),
                                 {});
    REQUIRE(report);
    CHECK(report->domains.at(0).most_loaned_bytes == (held ? 0 : 64 * kMiB));
}

TEST_CASE("a simulated guest that runs out of memory while it lends is credited at once") {
    const auto report = simulate(settings_from(R"(
mode: simulate
cmm: {profile: kernel, oom_kb: 4096, min_mem_mb: 64}
backend: {name: pseries}
policy: {name: cmm}
scenario:
  description: "A guest runs out of memory in the middle of an inflation."
  duration: 10s
  domains: [{name: g, memory: 512MiB, loan: 100MiB}]
  faults: [{call: guest_alloc, answer: oom, skip: 800, times: 1}]
)"),
                                 {});
    REQUIRE(report);
    // 100 MiB are asked for, and 4 MiB of them are the guest's from then on.
    CHECK(report->domains.at(0).most_loaned_bytes == 96 * kMiB);
    CHECK(report->domains.at(0).oom_freed_bytes == 4 * kMiB);
}
