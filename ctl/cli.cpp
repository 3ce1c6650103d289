#include "ctl/cli.h"

#include <algorithm>
#include <exception>

#include "ctl/text.h"

namespace ballast::ctl {
namespace {

constexpr const char* kFooter =
    R"(Exit status: 0 done, 1 failed, 2 usage, 3 daemon not reachable, 4 refused.

Examples:
  ballastctl status
  ballastctl explain db-1
  ballastctl simulate scenario.yaml

`ballastctl COMMAND --help` tells more.)";

void add_commands(CLI::App& app, Session& session) {
    app.set_version_flag("--version", "ballastctl " BALLAST_VERSION);
    app.add_option("--api", session.api_path,
                   "the daemon's Unix socket (else $BALLAST_API, else the default)")
        ->type_name("PATH")
        ->capture_default_str();
    app.add_option("--patience", session.patience_s,
                   "how long to wait for a daemon that is starting, in seconds")
        ->type_name("SECONDS")
        ->check(CLI::Range(0U, 3600U))
        ->capture_default_str();
    app.add_flag("--json", session.json, "print JSON, sizes in bytes");
    app.fallthrough();
    app.require_subcommand(1);
    app.footer(kFooter);
    add_status_command(app, session);
    add_domain_commands(app, session);
    add_attribute_commands(app, session);
    add_control_commands(app, session);
    add_reserve_command(app, session);
    add_backend_command(app, session);
    add_check_config_command(app, session);
    add_simulate_command(app, session);
    add_compare_command(app, session);
    add_replay_command(app, session);
    add_conform_command(app, session);
    add_vectors_command(app, session);
    add_probe_command(app, session);
    add_watch_command(app, session);
    add_record_command(app, session);
}

ExitStatus run(const std::vector<std::string>& arguments, Session& session) {
    CLI::App app{"Looks at and steers ballastd, the memory-balloon controller.", "ballastctl"};
    add_commands(app, session);
    try {
        // CLI11 takes a vector from its end.
        app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::ParseError& error) {
        const Environment& environment = session.environment;
        return app.exit(error, environment.out, environment.err) == 0 ? ExitStatus::done
                                                                      : ExitStatus::usage;
    }
    return session.command();
}

}  // namespace

ApiClient Session::client() const {
    const auto says_so = [this] {
        if (environment.err_terminal.interactive)
            environment.err << "ballastctl: waiting for the daemon at " << printable(api_path)
                            << "\n";
    };
    return ApiClient(make_waiting_transport(environment.connect(api_path),
                                            std::chrono::seconds(patience_s), environment.sleep,
                                            says_so));
}

ExitStatus Session::fail(const CommandFailure& failure) const {
    environment.err << "ballastctl: " << printable(failure.message, true) << "\n";
    return failure.status;
}

ExitStatus Session::print(const Json& json_text) const {
    environment.out << json_text.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
    return ExitStatus::done;
}

ExitStatus run_cli(const std::vector<std::string>& arguments, Environment& environment) {
    Session session{environment, environment.default_api, false, 5, {}};
    try {
        const ExitStatus status = run(arguments, session);
        environment.out.flush();
        if (!environment.out) return session.fail({ExitStatus::failed, "cannot write the output"});
        return status;
    } catch (const Json::exception& exception) {
        return session.fail(
            {ExitStatus::failed,
             std::string("the daemon's answer is not understood: ") + exception.what()});
    } catch (const std::exception& exception) {
        return session.fail({ExitStatus::failed, exception.what()});
    }
}

}  // namespace ballast::ctl
