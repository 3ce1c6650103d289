// What every command works with, and how the command line hands over the one that was asked for.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "ctl/api_client.h"
#include "ctl/exit_status.h"
#include "ctl/terminal.h"
#include "ctl/waiting_transport.h"

namespace ballast::ctl {

// The world around ballastctl; a test brings its own.
struct Environment {
    std::ostream& out;
    std::ostream& err;
    Terminal out_terminal;
    Terminal err_terminal;
    std::string default_api;  // the daemon's socket where --api is not given
    std::function<std::unique_ptr<Transport>(const std::string& socket_path)> connect;
    Sleep sleep;  // while a daemon is waited for
};

struct Session {
    Environment& environment;
    std::string api_path;
    bool json = false;
    std::uint32_t patience_s = 5;  // for a daemon that is starting
    // Set by the subcommand on the command line; run once the whole line has been read.
    std::function<ExitStatus()> command;

    // Its first request waits for a daemon that is starting.
    ApiClient client() const;
    // Says why on the error stream and returns the status.
    ExitStatus fail(const CommandFailure& failure) const;
    // Prints JSON as every --json does.
    ExitStatus print(const Json& json_text) const;
};

// Each adds its subcommands to `app`. `session` outlives `app`.
void add_status_command(CLI::App& app, Session& session);
void add_domain_commands(CLI::App& app, Session& session);     // domains, explain
void add_attribute_commands(CLI::App& app, Session& session);  // get, set
void add_control_commands(CLI::App& app, Session& session);    // disable, enable, release
void add_backend_command(CLI::App& app, Session& session);     // list, load, unload, lockdown
void add_check_config_command(CLI::App& app, Session& session);
void add_simulate_command(CLI::App& app, Session& session);
void add_compare_command(CLI::App& app, Session& session);
void add_replay_command(CLI::App& app, Session& session);
void add_conform_command(CLI::App& app, Session& session);
void add_vectors_command(CLI::App& app, Session& session);
void add_probe_command(CLI::App& app, Session& session);
void add_watch_command(CLI::App& app, Session& session);
void add_record_command(CLI::App& app, Session& session);
void add_reserve_command(CLI::App& app, Session& session);

}  // namespace ballast::ctl
