// A simulated hour of the quiet host, beside the hour itself: the day takes 24 times as long.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <variant>

#include "base/clock.h"
#include "bench/side_by_side.h"
#include "config/config.h"
#include "controller/simulate.h"

namespace ballast::bench {
namespace {

constexpr const char* kFile = BALLAST_SOURCE_DIR "/config/examples/quiet-host.yaml";

Case quiet_host_case() {
    ConfigResult loaded = load_config(kFile);
    if (const auto* problems = std::get_if<ConfigProblems>(&loaded)) {
        fmt::print(stderr, "{}\n", problems->text());
        std::exit(1);
    }
    const Settings settings = std::get<Settings>(std::move(loaded));
    return {
        "simulate.quiet_host", "real_time", "ns/simulated second", if_clean([settings] {
            constexpr std::chrono::seconds kHour = std::chrono::hours(1);
            const SystemClock clock;
            const Time began = clock.now();
            SimulateOptions options;
            options.until = kHour;
            if (!simulate(settings, options)) std::exit(1);
            return static_cast<double>((clock.now() - began).count()) /
                   static_cast<double>(kHour.count());
        }),
        [] {
            return static_cast<double>(std::chrono::nanoseconds(std::chrono::seconds(1)).count());
        }};
}

}  // namespace

std::vector<NamedCase> simulate_cases() {
    return {{"simulate.quiet_host", quiet_host_case}};
}

}  // namespace ballast::bench
