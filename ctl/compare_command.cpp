#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "base/units.h"
#include "compare/constants.h"
#include "compare/grid.h"
#include "compare/page.h"
#include "config/config.h"
#include "controller/resolve.h"
#include "ctl/compare_options.h"
#include "ctl/compare_view.h"
#include "ctl/page_file.h"
#include "ctl/progress.h"
#include "ctl/recording_input.h"
#include "ctl/session.h"
#include "ctl/text.h"
#include "policy/policy.h"
#include "sim/trace_reader.h"
#include "sim/workload_scenario.h"

namespace ballast::ctl {
namespace {

struct CompareOptions : RunOptions {
    std::vector<std::string> inputs;
    std::string policies;
    std::vector<double> overcommit;
    std::vector<double> floor_percent;
    std::vector<double> k;
    bool through_controller = false;
};

const std::vector<double> kTraceOvercommit{1, 1.5, 2, 2.5, 3, 3.5, 4};
constexpr double kTraceFloorPercent = 10;
constexpr double kTraceK = 2;

struct Input {
    Workload workload;
    bool is_trace = false;
    Settings settings;  // of a scenario, for its controller
};

// A scenario's domains keep what its configuration says, and lend what it sets.
void apply_settings(const Settings& settings, Workload& workload) {
    for (WorkloadVm& vm : workload.vms) {
        DomainControl control;
        resolve_settings(settings, {}, nullptr, vm.name, control);
        vm.min_mem_bytes = control.min_mem_bytes;
        if (control.fixed_is_configured) vm.fixed_loan_bytes = control.fixed_loan_bytes;
    }
    if (settings.host.reserve_bytes > 0) workload.reserve_bytes = settings.host.reserve_bytes;
}

Result<Input> load(const std::string& path, double tick_s, std::ostream& err) {
    if (path.ends_with(".csv")) {
        auto trace = read_trace(path);
        if (!trace) return Failure(trace.error());
        return Input{std::move(*trace), true, {}};
    }
    if (is_sqlite_file(path)) {
        auto recording = load_recording(path, err);
        if (!recording) return Failure(recording.error());
        return Input{std::move(recording->workload), false, {}};
    }
    ConfigResult result = load_config(path, check_policy);
    if (const auto* problems = std::get_if<ConfigProblems>(&result)) {
        std::string text = problems->text();
        if (text.ends_with('\n')) text.pop_back();
        return ballast::fail(Errc::invalid_argument, std::move(text));
    }
    Settings settings = std::get<Settings>(std::move(result));
    if (!settings.scenario)
        return ballast::fail(
            Errc::invalid_argument,
            path + ": neither a trace (.csv), a recording nor a scenario (`mode: simulate`)");
    std::vector<std::string> left_out;
    auto workload = workload_of(*settings.scenario, path, tick_s, left_out);
    if (!workload) return Failure(workload.error());
    for (const std::string& what : left_out) err << path << ": left out: " << what << "\n";
    apply_settings(settings, *workload);
    if (workload->host_bytes == 0) workload->host_bytes = largest_capacity_bytes(*workload);
    return Input{std::move(*workload), false, std::move(settings)};
}

compare::Grid grid_of(const Input& input, const CompareOptions& options,
                      const std::vector<compare::Contestant>& contestants) {
    compare::Grid grid;
    grid.contestants = contestants;
    grid.overcommit = options.overcommit;
    std::vector<double> floors = options.floor_percent;
    std::vector<double> ks = options.k;
    if (input.is_trace && grid.overcommit.empty()) grid.overcommit = kTraceOvercommit;
    if (floors.empty()) floors = {input.is_trace ? kTraceFloorPercent : 0};
    if (ks.empty()) ks = {input.is_trace ? kTraceK : 1};
    if (options.through_controller) grid.controller = input.settings;
    for (const double floor : floors)
        for (const double k : ks) grid.demand.push_back({floor / 100, k});
    return grid;
}

// With as much detail as fits into a page of all inputs.
compare::Constants constants_of(const CompareOptions& options, const compare::Grid& grid,
                                const Input& input) {
    compare::Constants constants = options.constants;
    if (input.settings.scenario) {
        constants.short_below_bytes = input.settings.guests.surge_below_bytes;
        constants.short_below_percent =
            static_cast<std::uint32_t>(input.settings.guests.surge_below_percent);
    }
    if (!options.report.empty())
        constants.detail = report::detail_for(options.inputs.size() * compare::runs_of(grid),
                                              input.workload.vms.size());
    return constants;
}

ExitStatus run(const Session& session, const CompareOptions& options) {
    const Environment& environment = session.environment;
    std::vector<compare::Comparison> comparisons;
    std::vector<report::PageInput> pages;
    if (!options.report.empty())
        if (const auto able = can_write(options.report, options.inputs); !able)
            return session.fail({ExitStatus::failed, able.error().message()});
    for (std::size_t i = 0; i < options.inputs.size(); ++i) {
        const auto input = load(options.inputs[i], options.constants.tick_s, environment.err);
        if (!input) return session.fail({ExitStatus::failed, input.error().message()});
        const auto contestants = contestants_of(options.policies, options.changes, input->workload);
        if (!contestants) return session.fail({ExitStatus::usage, contestants.error().message()});
        const compare::Grid grid = grid_of(*input, options, *contestants);
        auto results = [&] {
            Progress progress(environment.err, environment.err_terminal);
            return compare::run_grid(input->workload, grid, constants_of(options, grid, *input),
                                     options.jobs, [&](double done) {
                                         progress.show((static_cast<double>(i) + done) /
                                                       static_cast<double>(options.inputs.size()));
                                     });
        }();
        if (!results) return session.fail({ExitStatus::failed, results.error().message()});
        comparisons.push_back({options.inputs[i], std::move(*results)});
        if (!options.report.empty())
            pages.push_back(
                compare::page_input(input->workload, options.constants, comparisons.back()));
    }
    if (!options.report.empty()) {
        const auto written =
            write_page(options.report, compare::page_of(std::move(pages), options.constants));
        if (!written) return session.fail({ExitStatus::failed, written.error().message()});
    }
    if (session.json) {
        environment.out << compare::comparison_json(comparisons);
        return ExitStatus::done;
    }
    for (const compare::Comparison& comparison : comparisons) {
        if (&comparison != &comparisons.front()) environment.out << "\n";
        environment.out << comparison_text(comparison, environment.out_terminal);
    }
    return ExitStatus::done;
}

void add_numbers(CLI::App& command, const char* name, std::vector<double>& into, double least,
                 double most, const std::string& meaning) {
    command
        .add_option_function<std::string>(
            name,
            [name, &into, least, most](const std::string& text) {
                auto numbers = parse_numbers(text, least, most);
                if (!numbers) throw CLI::ValidationError(name, numbers.error().message());
                into = std::move(*numbers);
            },
            meaning)
        ->type_name("N,...");
}

std::string footer() {
    std::string text =
        "INPUT is a trace (CSV: vm,t_s,capacity_kib,used_kib; demand = floor + k * used), a\n"
        "recording of `ballastctl record`, or a scenario. `static` and `clairvoyant`, which\n"
        "knows the future, are always compared.\n"
        "--through-controller: gate, OOM credits, pressure, stuck guests, reservations and step\n"
        "limits count as in a daemon; the report tells how often they did.\n"
        "density: the largest ratio up to which stall is at most 0.1 % and nobody ran out of\n"
        "memory. docs/simulator.md tells the model.\n\n";
    return text + constants_text() +
           "\nExamples:\n  ballastctl compare trace.csv --policies mom,ballast --overcommit "
           "1:4:0.25\n  ballastctl compare trace.csv --floor 10 --k 1,2,3 --json\n"
           "  ballastctl compare trace.csv --policies ballast,mom --report compared.html\n"
           "  ballastctl compare trace.csv --policies ballast --through-controller\n"
           "  ballastctl compare night.ballast day.ballast --policies ballast,mom\n"
           "  ballastctl compare scenario.yaml";
}

}  // namespace

void add_compare_command(CLI::App& app, Session& session) {
    CLI::App* command =
        app.add_subcommand("compare", "Runs policies on a workload: which lends most at what harm");
    const auto options = std::make_shared<CompareOptions>();
    command->add_option("INPUT", options->inputs, "traces (.csv), recordings and scenarios")
        ->required()
        ->type_name("");
    command->add_option("--policies", options->policies, "instead of all that decide by themselves")
        ->type_name("P,...");
    add_numbers(*command, "--overcommit", options->overcommit, 0.1, 100,
                "memory of the guests over the host's: 1.5,2 or 1:4:0.25");
    add_numbers(*command, "--floor", options->floor_percent, 0, 100,
                "percent of its capacity that a guest always needs");
    add_numbers(*command, "--k", options->k, 0, 1000, "how often a guest needs what it uses");
    command->add_flag("--through-controller", options->through_controller,
                      "the daemon's controller asks the policies and decides");
    add_run_options(*command, *options, "with --json: so many points over each run, for charts");
    command->footer(footer());
    command->callback([&session, options] {
        session.command = [&session, options] { return run(session, *options); };
    });
}

}  // namespace ballast::ctl
