#include "controller/simulate.h"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <system_error>
#include <variant>

#include "base/units.h"
#include "config/config.h"
#include "ctl/page_file.h"
#include "ctl/policy_name.h"
#include "ctl/progress.h"
#include "ctl/session.h"
#include "ctl/simulation_page.h"
#include "policy/policy.h"

namespace ballast::ctl {
namespace {

struct CommandOptions {
    std::string scenario;
    std::string policy;  // empty: the scenario's
    std::optional<Duration> until;
    std::optional<std::uint64_t> seed;
    std::string csv;
    std::string report;
    bool verbose = false;
};

// The scenario, or lines that say what is wrong with the file, each naming its place.
tl::expected<Settings, std::string> load(const std::string& file) {
    ConfigResult result = load_config(file, check_policy);
    if (const auto* problems = std::get_if<ConfigProblems>(&result))
        return tl::unexpected(problems->text());
    Settings settings = std::get<Settings>(std::move(result));
    if (!settings.scenario)
        return tl::unexpected(file + ": not a scenario: its mode is not `simulate`\n");
    return settings;
}

// Its numbers and texts stay where the scenario has chosen the same one. Errors: invalid_argument.
Result<void> choose_policy(Settings& settings, const std::string& name) {
    const auto entry = policy_named(name);
    if (!entry) return Failure(entry.error());
    PolicySettings& policy = settings.policy;
    policy.name = (*entry)->name;
    if (policy.choice && policy.choice->kind != (*entry)->kind) policy.choice.reset();
    if ((*entry)->kind != PolicyKind::fixed) {
        settings.cmm.simulate = false;
        settings.scenario->hypervisor_calls = true;
    }
    return {};
}

ExitStatus run(const Session& session, const CommandOptions& options) {
    auto settings = load(options.scenario);
    if (!settings) {
        session.environment.err << settings.error();
        return ExitStatus::failed;
    }
    if (!options.policy.empty())
        if (const auto chosen = choose_policy(*settings, options.policy); !chosen)
            return session.fail({ExitStatus::usage, "--policy: " + chosen.error().message()});
    SimulateOptions simulation;
    simulation.until = options.until;
    simulation.seed = options.seed;
    std::ofstream csv;
    if (!options.csv.empty()) {
        if (const auto able = can_write(options.csv, {options.scenario}); !able)
            return session.fail({ExitStatus::failed, able.error().message()});
        csv.open(options.csv);
        if (!csv)
            return session.fail(
                {ExitStatus::failed, fmt::format("cannot write {}: {}", options.csv,
                                                 std::generic_category().message(errno))});
        simulation.csv = &csv;
    }
    std::optional<SimulationPage> page;
    if (!options.report.empty()) {
        if (const auto able = can_write(options.report, {options.scenario, options.csv}); !able)
            return session.fail({ExitStatus::failed, able.error().message()});
        page.emplace(options.until.value_or(settings->scenario->duration),
                     settings->host.reserve_bytes);
        simulation.ticked = [&page](const Snapshot& snapshot, Duration since_start) {
            page->add(snapshot, since_start);
        };
    }
    const Environment& environment = session.environment;
    Result<SimulationReport> report = [&] {
        Progress progress(environment.err, environment.err_terminal);
        if (options.verbose) {
            simulation.log = [&environment](Duration since_start, std::string_view line) {
                environment.err << fmt::format("{:>12}  {}\n", format_duration(since_start), line);
            };
        } else {
            simulation.progress = [&progress](double done) { progress.show(done); };
        }
        return simulate(std::move(*settings), simulation);
    }();
    if (!report) return session.fail({ExitStatus::failed, report.error().message()});
    csv.close();
    if (!options.csv.empty() && !csv)
        return session.fail({ExitStatus::failed, "cannot write " + options.csv});
    if (page)
        if (const auto written = write_page(options.report, page->take(options.scenario, *report));
            !written)
            return session.fail({ExitStatus::failed, written.error().message()});
    if (session.json)
        environment.out << report_json(*report);
    else
        environment.out << report_text(*report, {environment.out_terminal.colour});
    return ExitStatus::done;
}

}  // namespace

void add_simulate_command(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand(
        "simulate", "Runs a scenario on a virtual clock: hours in seconds, no daemon needed");
    const auto options = std::make_shared<CommandOptions>();
    command->add_option("SCENARIO", options->scenario, "a file with `mode: simulate`")
        ->required()
        ->type_name("");
    command->add_option("--policy", options->policy, "instead of the scenario's")->type_name("P");
    command
        ->add_option_function<std::string>(
            "--until",
            [options](const std::string& text) {
                const auto until = parse_duration(text);
                if (!until) throw CLI::ValidationError("--until", until.error().message());
                if (*until <= Duration{0})
                    throw CLI::ValidationError("--until", "'" + text + "', expected more than 0");
                options->until = *until;
            },
            "stop after this much simulated time (90s, 10m, 2h, 1d)")
        ->type_name("TIME");
    command->add_option("--seed", options->seed, "instead of the scenario's")
        ->check(CLI::NonNegativeNumber)
        ->type_name("N");
    command->add_option("--csv", options->csv, "write one line per domain and tick")
        ->type_name("FILE");
    command->add_option("--report", options->report, "write a page with charts, for a browser")
        ->type_name("FILE.html");
    command->add_flag("--verbose", options->verbose,
                      "tell on standard error what happens, with the simulated time");
    command->footer(
        "The same file and seed give the same output, to the byte.\n\n"
        "Examples:\n  ballastctl simulate loan-and-return.yaml\n"
        "  ballastctl simulate quiet-host.yaml --until 1d --json\n"
        "  ballastctl simulate quiet-host.yaml --policy psi\n"
        "  ballastctl simulate oom-credit.yaml --csv ticks.csv --report run.html\n"
        "  ballastctl simulate failing-hypervisor.yaml --verbose");
    command->callback([&session, options] {
        session.command = [&session, options] { return run(session, *options); };
    });
}

}  // namespace ballast::ctl
