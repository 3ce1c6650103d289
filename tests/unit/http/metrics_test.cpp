#include "controller/http/metrics.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cctype>
#include <sstream>

#include "http_fixture.h"

using namespace ballast;
using namespace ballast::test;

namespace {

// The value of one series, by everything that stands before the last blank; -1 if it is not there.
double series(const std::string& text, const std::string& name) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const auto blank = line.rfind(' ');
        if (line.substr(0, blank) == name) return std::stod(line.substr(blank + 1));
    }
    return -1;
}

std::size_t series_with(const std::string& text, const std::string& part) {
    std::istringstream lines(text);
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line);)
        if (line.front() != '#' && line.find(part) != line.npos) ++count;
    return count;
}

}  // namespace

TEST_CASE("each series carries what the snapshot says") {
    ApiFixture fixture;
    fixture.publish();
    const std::string text =
        Metrics(fixture.snapshots, fixture.backends, fixture.probe, 1000).text();
    const std::string db = "domain=\"db-1\",uuid=\"" + to_string(key_from_name("db-1")) + "\"";
    const std::string of_db = "{" + db + "}";
    CHECK(series(text, "ballast_domain_memory_bytes" + of_db) == 8.0 * kGiB);
    CHECK(series(text, "ballast_loaned_bytes" + of_db) == 4.0 * kGiB);
    CHECK(series(text, "ballast_loan_target_bytes" + of_db) == 4.0 * kGiB);
    CHECK(series(text, "ballast_oom_freed_bytes" + of_db) == 0);
    CHECK(series(text, "ballast_ooms_total" + of_db) == 2);
    CHECK(series(text, "ballast_inflated_bytes_total" + of_db) == 5.0 * kGiB);
    CHECK(series(text, "ballast_deflated_bytes_total" + of_db) == 1.0 * kGiB);
    CHECK(series(text, "ballast_domain_constraint{" + db + ",constraint=\"min_mem\"}") == 1);
    CHECK(series_with(text, R"(ballast_domain_constraint{domain="db-1")") == 1);

    CHECK(series(text, "ballast_host_memory_bytes") == 64.0 * kGiB);
    CHECK(series(text, "ballast_host_memory_available_bytes") == 10.0 * kGiB);
    CHECK(series(text, R"(ballast_host_node_memory_bytes{node="0"})") == 40.0 * kGiB);
    CHECK(series(text, R"(ballast_host_node_memory_free_bytes{node="3"})") == 1.0 * kGiB);
    CHECK(series(text, R"(ballast_host_node_memory_available_bytes{node="0"})") == 8.0 * kGiB);
    CHECK(series_with(text, "ballast_host_node_memory_available_bytes{") == 1);  // of 3, not known
    CHECK(series(text, "ballast_host_domain_memory_bytes") == 9.0 * kGiB);
    CHECK(series(text, "ballast_host_loaned_bytes") == 4.0 * kGiB);
    CHECK(series(text, "ballast_host_oom_freed_bytes") == 16.0 * kMiB);
    CHECK(series(text, "ballast_host_inflated_bytes_total") == 5.0 * kGiB + 3.0 * kMiB);
    CHECK(series(text, "ballast_host_deflated_bytes_total") == 1.0 * kGiB + 2.0 * kMiB);
    CHECK(series(text, "ballast_host_reserve_bytes") == 1.0 * kGiB);
    CHECK(series(text, "ballast_host_ooms_total") == 5);
    CHECK(series(text, "ballast_host_oom_returned_bytes_total") == 48.0 * kMiB);
    CHECK(series(text, "ballast_dry_run") == 0);
    CHECK(series_with(text, "would_lend") == 0);
    CHECK(series(text, "ballast_domains") == 2);
    CHECK(series(text, R"(ballast_constrained_domains{constraint="backend_error"})") == 1);
    CHECK(series(text, R"(ballast_constrained_domains{constraint="none"})") == 0);

    CHECK(series(text, "ballast_backend_up") == 1);
    CHECK(series(text, R"(ballast_backend_calls_total{call="observe",outcome="done"})") == 7);
    CHECK(series(text, R"(ballast_backend_calls_total{call="apply",outcome="refused"})") == 1);
    CHECK(series(text, "ballast_backend_loads_total") == 3);
    CHECK(series(text, "ballast_backend_unloads_total") == 2);
    CHECK(series(text, "ballast_backend_call_running_seconds") == 0);
    CHECK(series(text, "ballast_ticks_total") == 7);
    CHECK(series(text, "ballast_events_total") == 4);
    CHECK(series(text, "ballast_tick_lateness_seconds") == Approx(0.002));
    CHECK(series_with(text, "ballast_build_info{") == 1);
}

TEST_CASE("the tick histogram is cumulative") {
    ApiFixture fixture;
    fixture.publish();
    const std::string text =
        Metrics(fixture.snapshots, fixture.backends, fixture.probe, 1000).text();
    CHECK(series(text, R"(ballast_tick_duration_seconds_bucket{le="0.0001"})") == 0);
    CHECK(series(text, R"(ballast_tick_duration_seconds_bucket{le="0.0005"})") == 6);
    CHECK(series(text, R"(ballast_tick_duration_seconds_bucket{le="5"})") == 6);
    CHECK(series(text, R"(ballast_tick_duration_seconds_bucket{le="+Inf"})") == 7);
    CHECK(series(text, "ballast_tick_duration_seconds_count") == 7);
    CHECK(series(text, "ballast_tick_duration_seconds_sum") == 7.5);
}

TEST_CASE("above the limit only host-wide series remain") {
    ApiFixture fixture;
    fixture.publish();
    const std::string text = Metrics(fixture.snapshots, fixture.backends, fixture.probe, 1).text();
    CHECK(series_with(text, "domain=\"") == 0);
    CHECK(series(text, "ballast_host_loaned_bytes") == 4.0 * kGiB);
    CHECK(series_with(Metrics(fixture.snapshots, fixture.backends, fixture.probe, 2).text(),
                      "domain=\"db-1\"") == 8);
}

TEST_CASE("figures that are not known are left out") {
    ApiFixture fixture;
    Snapshot& snapshot = *fixture.snapshots.begin();
    fill(snapshot);
    snapshot.host = HostState{};
    fixture.snapshots.publish();
    const std::string text =
        Metrics(fixture.snapshots, fixture.backends, fixture.probe, 1000).text();
    CHECK(series_with(text, "ballast_host_memory") == 0);
    CHECK(series(text, "ballast_host_loaned_bytes") == 4.0 * kGiB);
}

TEST_CASE("before the first tick there is only what does not depend on one") {
    const SnapshotExchange snapshots;
    const std::string text = Metrics(snapshots, FakeBackends(), FakeProbe(), 1000).text();
    CHECK(series_with(text, "ballast_build_info{") == 1);
    CHECK(series_with(text, "ballast_") == 5);
}

TEST_CASE("what readers pay is exported with its spread and validity, and not where it is noise") {
    ApiFixture fixture;
    fixture.probe.found = probe_report();
    const std::string text =
        Metrics(fixture.snapshots, fixture.backends, fixture.probe, 1000).text();
    const std::string one = R"({scale_type="rcu",readers="1"})";
    const std::string two = R"({scale_type="rcu",readers="2"})";
    CHECK(series(text, "ballast_refscale_read_seconds" + one) == Approx(2e-9));
    CHECK(series(text, "ballast_refscale_read_spread_ratio" + one) == 0);
    CHECK(series(text, "ballast_refscale_valid" + one) == 1);
    CHECK(series_with(text, "ballast_refscale_read_seconds" + two) == 0);
    CHECK(series(text, "ballast_refscale_valid" + two) == 0);
    CHECK(series(text, R"(ballast_refscale_update_seconds{scale_type="rcu"})") == Approx(5e-7));
    CHECK(series(text, R"(ballast_refscale_experiments_total{outcome="kept"})") == 20);
    CHECK(series(text, R"(ballast_refscale_experiments_total{outcome="thrown_away"})") == 3);
    CHECK(series(text, "ballast_refscale_cpu_seconds_total") == Approx(1.5));
    CHECK(series(text, R"(ballast_reference_scheme{use="module_refs",scheme="atomic"})") == 1);
    CHECK(series(text,
                 R"(ballast_reference_cost_ratio{use="module_refs",scale_type="atomic-ref"})") ==
          Approx(77e-9));
    fixture.probe.found = {};
    CHECK(series_with(Metrics(fixture.snapshots, fixture.backends, fixture.probe, 1000).text(),
                      "refscale") == 0);
}

TEST_CASE("a name that is not UTF-8 is shown as far as it is") {
    ApiFixture fixture;
    Snapshot& snapshot = *fixture.snapshots.begin();
    fill(snapshot);
    auto names = std::make_shared<DomainNames>(*snapshot.names);
    names->name[0] = "bad\xff";
    snapshot.names = names;
    fixture.snapshots.publish();
    const std::string text =
        Metrics(fixture.snapshots, fixture.backends, fixture.probe, 1000).text();
    CHECK(text.find('\xff') == text.npos);
    CHECK(series(text, "ballast_loaned_bytes{domain=\"bad\xef\xbf\xbd\",uuid=\"" +
                           to_string(names->key[0]) + "\"}") == 4.0 * kGiB);
}

TEST_CASE("domains of two hosts that share a name have series of their own") {
    ApiFixture fixture;
    fixture.publish_two_hosts();
    const std::string text =
        Metrics(fixture.snapshots, fixture.backends, fixture.probe, 1000).text();
    const auto of = [](const char* key, const char* host) {
        return "ballast_loaned_bytes{domain=\"web\",uuid=\"" + to_string(key_from_name(key)) +
               "\",host=\"" + host + "\"}";
    };
    CHECK(series(text, of("one", "alpha")) == 4.0 * kGiB);
    CHECK(series(text, of("two", "beta")) == 0);
}

TEST_CASE("a dry run is a series, and what would be lent is another") {
    ApiFixture fixture;
    Snapshot& snapshot = *fixture.snapshots.begin();
    fill(snapshot);
    snapshot.dry_run = true;
    fixture.snapshots.publish();
    const std::string text =
        Metrics(fixture.snapshots, fixture.backends, fixture.probe, 1000).text();
    CHECK(series(text, "ballast_dry_run") == 1);
    CHECK(series(text, "ballast_host_would_lend_bytes") == 4.0 * kGiB);
}

TEST_CASE("each HELP text is a whole sentence") {
    ApiFixture fixture;
    fixture.publish();
    fixture.probe.found = probe_report();
    const std::string text = Metrics(fixture.snapshots, fixture.backends, fixture.probe, 1000, [] {
                                 return "/bus";
                             }).text();
    std::istringstream lines(text);
    std::size_t texts = 0;
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("# HELP ")) continue;
        ++texts;
        CAPTURE(line);
        const std::string help = line.substr(line.find(' ', 7) + 1);
        CHECK(help.ends_with('.'));
        CHECK((std::isupper(static_cast<unsigned char>(help.front())) != 0 ||
               help.starts_with("1 ")));
        CHECK(std::count(help.begin(), help.end(), ' ') >= 2);
        // It stands alone: no word for something that another text has named.
        for (const char* word : {"Of it", " that cost", "these readers", " told"})
            CHECK(help.find(word) == help.npos);
    }
    CHECK(texts > 30);
}

TEST_CASE("the event bus's file is a label, and absent without a bus") {
    ApiFixture fixture;
    const auto text = [&](std::string path) {
        return Metrics(fixture.snapshots, fixture.backends, fixture.probe, 1000,
                       [path] { return path; })
            .text();
    };
    // Known before the first tick.
    CHECK(series(text("/run/ballast/events"), R"(ballast_bus_info{path="/run/ballast/events"})") ==
          1);
    CHECK(series_with(text(""), "ballast_bus_info") == 0);
}
