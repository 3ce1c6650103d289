// ballast-bench: figures as ratios to a baseline measured beside them.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <regex>

#include "base/log.h"
#include "bench/side_by_side.h"

using namespace ballast;

int main(int argc, char** argv) {
    std::string filter = ".*";
    bool json = false;
    bool list = false;
    std::size_t windows = 21;
    CLI::App app{"Measures Ballast beside baselines, in one run."};
    app.add_option("--filter", filter, "only figures whose name matches")->type_name("REGEX");
    app.add_flag("--json", json, "one JSON object a line");
    app.add_flag("--list", list, "only list the names");
    app.add_option("--windows", windows, "clean windows to take the median of")
        ->check(CLI::Range(3, 1001));
    std::regex wanted;
    try {
        app.parse(argc, argv);
        wanted = std::regex(filter);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    } catch (const std::regex_error& error) {
        fmt::print(stderr, "ballast-bench: --filter '{}' is no regular expression: {}\n", filter,
                   error.what());
        return 2;
    }
    log::set_level(log::Level::error);

    std::vector<bench::NamedCase> cases = bench::decide_cases();
    for (auto more : {bench::bus_cases, bench::compare_cases, bench::libvirt_cases,
                      bench::module_ref_cases, bench::probe_cases, bench::simulate_cases})
        for (bench::NamedCase& item : more()) cases.push_back(std::move(item));
    std::size_t matched = 0;
    for (const bench::NamedCase& item : cases) {
        if (!std::regex_search(item.name, wanted)) continue;
        ++matched;
        if (list) {
            fmt::print("{}\n", item.name);
            continue;
        }
        if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "{} ...\r", item.name);
        const bench::Case made = item.make();
        const bench::Figure figure = bench::run(made, windows);
        if (figure.windows == 0) {
            fmt::print(stderr, "{}: no clean window, the machine is too busy to tell\n", made.name);
            continue;
        }
        if (json) {
            const nlohmann::ordered_json line{
                {"name", made.name},       {"baseline", made.baseline},
                {"ratio", figure.ratio},   {"spread", figure.spread},
                {"median", figure.median}, {"baseline_median", figure.baseline_median},
                {"unit", made.unit},       {"windows", figure.windows}};
            fmt::print("{}\n", line.dump());
        } else {
            fmt::print("{:<19} {:>9.2f} {}  {:>8.2f} x {} ({:.2f}), spread {:.0f} %, {} windows\n",
                       made.name, figure.median, made.unit, figure.ratio, made.baseline,
                       figure.baseline_median, figure.spread * 100.0, figure.windows);
        }
        std::fflush(stdout);
    }
    if (matched == 0) {
        fmt::print(stderr, "ballast-bench: no figure matches '{}'; --list shows the names\n",
                   filter);
        return 1;
    }
    return 0;
}
