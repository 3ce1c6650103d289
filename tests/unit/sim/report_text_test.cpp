#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/unit/sim/report_fixture.h"

using namespace ballast;
using namespace ballast::test;
using Catch::Matchers::Contains;

namespace {

std::string repeated(std::string_view text, std::size_t times) {
    std::string all;
    for (std::size_t i = 0; i < times; ++i) all += text;
    return all;
}

// The bars drawn for a 1 GiB domain whose series begins with these samples and goes on with 0.
std::string chart_of(const std::vector<std::uint64_t>& samples, std::uint64_t total = kGiB) {
    DomainReport domain = quiet_domain("g");
    domain.total_bytes = total;
    std::copy(samples.begin(), samples.end(), domain.loaned_series.begin());
    const std::string text = report_text(report_of({domain}), {});
    const auto begin = text.find("│") + std::string("│").size();
    return text.substr(begin, text.find("│", begin) - begin);
}

}  // namespace

TEST_CASE("a report reads like this") {
    CHECK(report_text(report_of({quiet_domain("web"), busy_domain()}), {}) ==
          R"(Two guests, one busy.
2m of simulated time, 120 ticks, 3 events; backend mock, policy cmm, profile safe, seed 7
host: 2 GiB in all, free 0 B at the start, 256 MiB at the end

DOMAIN      MEMORY       LENDS        MOST  OOM CREDIT        LENT    RETURNED  HELD BACK BY
web          1 GiB         0 B         0 B         0 B         0 B         0 B  -
db           1 GiB     256 MiB     512 MiB      16 MiB     600 MiB     344 MiB  oom_credit 31 %

What happened
db     2 OOMs (16 MiB taken back), 1 hotplug, 3 refused moves

Lent over time, as a share of each domain's memory
web    │                                                            │
db     │ ▁▁▁▁▁▁▁▁▁▁▁▂▂▂▂▂▂▂▂▃▃▃▃▃▃▃▃▄▄▄▄▄▄▄▄▅▅▅▅▅▅▅▅▆▆▆▆▆▆▆▆▇▇▇▇▇▇▇·│
       0                                                           2m
)");
}

TEST_CASE("a report of nothing still has its frame") {
    SimulationReport empty;
    CHECK(report_text(empty, {}) ==
          "0ms of simulated time, 0 ticks, 0 events; backend , policy , profile , seed 0\n\n"
          "DOMAIN      MEMORY       LENDS        MOST  OOM CREDIT        LENT    RETURNED  HELD "
          "BACK BY\n\nLent over time, as a share of each domain's memory\n"
          "       0" +
              std::string(58, ' ') + "0ms\n");
}

TEST_CASE("a chart rounds to eighths, shows any loan at all, and marks what is not known") {
    const std::string rest = repeated(" ", kReportBuckets - 1);
    CHECK(chart_of({0}) == " " + rest);
    CHECK(chart_of({1}) == "▁" + rest);
    CHECK(chart_of({kGiB * 3 / 16 - 1}) == "▁" + rest);
    CHECK(chart_of({kGiB * 3 / 16}) == "▂" + rest);
    CHECK(chart_of({kGiB / 2}) == "▄" + rest);
    CHECK(chart_of({kGiB}) == "█" + rest);
    CHECK(chart_of({kUnknownBytes}) == "·" + rest);
    CHECK(chart_of(std::vector<std::uint64_t>(kReportBuckets, kGiB)) ==
          repeated("█", kReportBuckets));
}

TEST_CASE("a chart of impossible figures stays a chart") {
    const std::string rest = repeated(" ", kReportBuckets - 1);
    CHECK(chart_of({UINT64_MAX - 1}, 1) == "█" + rest);  // more than there is
    CHECK(chart_of({kGiB}, 0) == " " + rest);            // of nothing
}

TEST_CASE("the reason shown is the one that held the domain most often") {
    DomainReport domain = quiet_domain("g");
    const auto held_by = [&] {
        const std::string text = report_text(report_of({domain}), {});
        const auto line = text.find("\ng ") + 1;
        const std::string row = text.substr(line, text.find('\n', line) - line);
        return row.substr(row.rfind("  ") + 2);
    };
    CHECK(held_by() == "-");
    domain.ticks_by_constraint = {};
    CHECK(held_by() == "-");
    domain.ticks_by_constraint[0] = 989;
    domain.ticks_by_constraint[static_cast<std::size_t>(Constraint::paused)] = 5;
    domain.ticks_by_constraint[static_cast<std::size_t>(Constraint::backend_error)] = 6;
    CHECK(held_by() == "backend_error 0.6 %");
    domain.ticks_by_constraint[0] = 0;
    domain.ticks_by_constraint[static_cast<std::size_t>(Constraint::backend_error)] = 0;
    CHECK(held_by() == "paused 100 %");
}

TEST_CASE("long names widen their column, everywhere") {
    const std::string name(40, 'n');
    DomainReport domain = busy_domain();
    domain.name = name;
    const std::string text = report_text(report_of({domain}), {});
    CHECK_THAT(text, Contains("DOMAIN" + std::string(34, ' ') + "      MEMORY"));
    CHECK_THAT(text, Contains("\n" + name + "       1 GiB"));
    CHECK_THAT(text, Contains("\n" + name + " 2 OOMs"));
    CHECK_THAT(text, Contains("\n" + name + " │"));
    CHECK_THAT(text, Contains("\n" + std::string(41, ' ') + "0   "));
}

TEST_CASE("of many domains the first are shown and the rest is counted") {
    std::vector<DomainReport> domains;
    for (int i = 1; i <= 5; ++i) domains.push_back(quiet_domain("vm" + std::to_string(i)));
    const std::string text = report_text(report_of(domains), {.most_rows = 2});
    CHECK_THAT(text, Contains("vm2"));
    CHECK_THAT(text, !Contains("vm3"));
    CHECK_THAT(text, Contains("... and 3 more (--json has them all)\n"));
    CHECK_THAT(report_text(report_of(domains), {.most_rows = 5}), !Contains("more (--json"));
}

TEST_CASE("a domain that is not there at the end is gone") {
    DomainReport domain = quiet_domain("g");
    domain.present = false;
    CHECK_THAT(report_text(report_of({domain}), {}), Contains("1 GiB        gone"));
}

TEST_CASE("what went wrong around the domains is told") {
    SimulationReport report = report_of({quiet_domain("g")});
    CHECK_THAT(report_text(report, {}), !Contains("did not answer"));
    CHECK_THAT(report_text(report, {}), !Contains("settings"));
    report.observe_failures = 4;
    report.refused_settings = 2;
    CHECK_THAT(report_text(report, {}), Contains("the hypervisor did not answer in 4 ticks\n"));
    CHECK_THAT(report_text(report, {}), Contains("2 of the scenario's settings were refused"));
}

TEST_CASE("what happened is told in words, one and many, and nothing where nothing did") {
    DomainReport domain = quiet_domain("g");
    CHECK(happened_text(domain).empty());
    const auto count = [&](EventKind kind) -> std::uint64_t& {
        return domain.events_by_kind[static_cast<std::size_t>(kind)];
    };
    count(EventKind::hotplug_ended) = 1;  // told as begun
    CHECK(happened_text(domain).empty());
    count(EventKind::oom) = 1;
    CHECK(happened_text(domain) == "1 OOM");
    domain.oom_bytes = 1536 * kMiB;
    count(EventKind::hotplug_began) = 2;
    count(EventKind::hotplug_cancelled) = 1;
    count(EventKind::migration_began) = 3;
    count(EventKind::page_migrated) = 1;
    count(EventKind::domain_paused) = 1;
    count(EventKind::domain_went) = 2;
    count(EventKind::domain_came) = 1;
    count(EventKind::guest_rebooted) = 1;
    domain.short_moves = {0, 0, 1, 2, 1, 4};
    CHECK(happened_text(domain) ==
          "1 OOM (1.50 GiB taken back), 2 hotplugs, 1 cancelled hotplug, 3 migrations, 1 page "
          "migration, 1 pause, 2 stops, 1 start, 1 reboot, 1 partial move, 2 refused moves, 1 gone "
          "move, 4 failed moves");
}

TEST_CASE("colour adds escapes and nothing else") {
    const SimulationReport report = report_of({busy_domain()});
    std::string coloured = report_text(report, {.colour = true});
    CHECK_THAT(coloured, Contains("\x1b[36m"));
    for (auto at = coloured.find('\x1b'); at != std::string::npos; at = coloured.find('\x1b'))
        coloured.erase(at, coloured.find('m', at) - at + 1);
    CHECK(coloured == report_text(report, {}));
}
