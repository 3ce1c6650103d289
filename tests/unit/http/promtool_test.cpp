// Holds /metrics to Prometheus's own linter. Needs promtool (Debian package prometheus).
#include <catch2/catch.hpp>
#include <cstdio>
#include <fstream>

#include "controller/http/metrics.h"
#include "http_fixture.h"
#include "temp_dir.h"

using namespace ballast;
using namespace ballast::test;

namespace {

struct Checked {
    int status = -1;
    std::string output;
};

Checked promtool(const std::string& metrics) {
    const TempDir folder;
    std::ofstream(folder.path("metrics")) << metrics;
    const std::string command = "promtool check metrics <" + folder.path("metrics") + " 2>&1";
    FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    Checked checked;
    char part[4096];
    while (const std::size_t size = std::fread(part, 1, sizeof(part), pipe))
        checked.output.append(part, size);
    checked.status = ::pclose(pipe);
    return checked;
}

}  // namespace

TEST_CASE("promtool has nothing to say about the metrics", "[promtool]") {
    ApiFixture fixture;
    fixture.publish();
    for (const std::uint64_t max_domains : {std::uint64_t{1000}, std::uint64_t{0}}) {
        const Checked checked = promtool(
            Metrics(fixture.snapshots, fixture.backends, fixture.probe, max_domains).text());
        CHECK(checked.status == 0);
        CHECK(checked.output.empty());
    }
}

TEST_CASE("promtool would object to a counter without its suffix", "[promtool]") {
    const Checked checked =
        promtool("# HELP ballast_ticks Ticks.\n# TYPE ballast_ticks counter\nballast_ticks 1\n");
    CHECK(checked.status != 0);
    CHECK(checked.output.find("_total") != std::string::npos);
}
