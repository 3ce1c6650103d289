// The alert for a host that is low on memory beside what policy `ballast` keeps available.
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>

#include "tests/paths.h"
#include "whole_loop.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

// The share of the host at which BallastHostMemoryLow fires, as its rule has it.
double share_of_the_alert() {
    std::ifstream file(source_dir() + "/deploy/prometheus/ballast.rules.yml");
    std::ostringstream text;
    text << file.rdbuf();
    const std::string rules = text.str();
    std::smatch found;
    const std::regex rule(
        R"(\(ballast_host_memory_available_bytes - ballast_host_reserve_bytes\) / )"
        R"(ballast_host_memory_bytes < ([0-9.]+)\n +for: 5m)");
    REQUIRE(std::regex_search(rules, found, rule));
    return std::stod(found[1]);
}

// The longest time for which something was so.
class Longest {
  public:
    void look(bool is_so, Duration at) {
        if (!is_so) since_ = at;
        longest_ = std::max(longest_, at - since_);
    }
    Duration longest() const { return longest_; }

  private:
    Duration since_{};
    Duration longest_{};
};

}  // namespace

TEST_CASE(
    "the alert for a host that is low stays silent in the state that policy ballast maintains") {
    const double share = share_of_the_alert();
    WholeLoop loop(settings_of(load_config(source_dir() + "/config/examples/overcommitted.yaml")));
    Longest fires;
    Longest would_have_fired;  // at 5 % of the host, whatever the policy keeps
    loop.run_until(24h, [&](const Snapshot& snapshot, Duration at) {
        if (at < 10min) return;  // all guests have just started, with all of their memory
        const auto total = static_cast<double>(snapshot.host.total_bytes);
        const auto available = static_cast<double>(snapshot.host.available_bytes);
        fires.look(available - static_cast<double>(snapshot.reserve_bytes) < share * total, at);
        would_have_fired.look(available < 0.05 * total, at);
    });
    CHECK(fires.longest() < 5min);
    CHECK(would_have_fired.longest() >= 5min);
}
