// ballastd: reads the command line and the configuration, then runs the daemon.
#include <CLI/CLI.hpp>
#include <iostream>
#include <optional>
#include <string>
#include <variant>

#include "base/escape.h"
#include "base/log.h"
#include "config/config.h"
#include "controller/daemon.h"
#include "controller/service_manager.h"
#include "policy/policy.h"

namespace {

enum ExitStatus { kDone = 0, kFailed = 1, kUsage = 2 };

int run(const ballast::DaemonOptions& options, bool check_only,
        const std::optional<std::string>& module, const std::string& module_name) {
    const ballast::ConfigResult loaded =
        ballast::load_config(options.config_path, ballast::check_policy);
    if (const auto* problems = std::get_if<ballast::ConfigProblems>(&loaded)) {
        for (const std::string& line : problems->lines())
            std::cerr << ballast::escaped(line) << "\n";
        return kFailed;
    }
    if (check_only) {
        std::cout << options.config_path << ": valid\n";
        return kDone;
    }
    if (module)
        return ballast::try_module_here(std::get<ballast::Settings>(loaded), module_name, *module);
    const auto ended = ballast::run_daemon(std::get<ballast::Settings>(loaded), options);
    if (!ended) {
        ballast::log::error("{}", ended.error().message());
        return kFailed;
    }
    return kDone;
}

}  // namespace

int main(int argc, char** argv) {
    ballast::DaemonOptions options;
    bool check_only = false;
    std::optional<std::string> module;
    std::string module_name;

    CLI::App app{"ballastd lends the memory that virtual machines do not need, and gives it back."};
    app.add_option("--config", options.config_path, "configuration file")
        ->required()
        ->type_name("FILE");
    app.add_flag("--check-config", check_only, "check the configuration file and exit");
    app.add_flag("--dry-run", options.dry_run, "decide, explain and publish, but move nothing");
    app.add_option("--try-module", module,
                   "load the backend in this file, call each of its functions once, and exit")
        ->type_name("FILE");
    app.add_option("--try-as", module_name,
                   "the name that it would be loaded under; else the configured backend's")
        ->type_name("NAME");
    app.set_version_flag("--version", "ballastd " BALLAST_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kDone : kUsage;
    }
    ballast::log::init(ballast::service_manager::logs_to_journal());
    return run(options, check_only, module, module_name);
}
