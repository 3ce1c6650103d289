#include <fmt/format.h>

#include <algorithm>

#include "compare/grid.h"
#include "compare/page.h"
#include "compare/reproduction.h"
#include "ctl/compare_options.h"
#include "ctl/page_file.h"
#include "ctl/progress.h"
#include "ctl/recording_input.h"
#include "ctl/replay_view.h"
#include "ctl/session.h"

namespace ballast::ctl {
namespace {

struct ReplayOptions : RunOptions {
    ReplayOptions() { constants.samples = 12; }

    std::string recording;
    std::vector<std::string> policies{"ballast"};
};

ExitStatus run(const Session& session, const ReplayOptions& options) {
    const Environment& environment = session.environment;
    const auto recording = load_recording(options.recording, environment.err);
    if (!recording) return session.fail({ExitStatus::failed, recording.error().message()});
    const auto contestants = contestants_named(fmt::format("{}", fmt::join(options.policies, ",")),
                                               options.changes, recording->workload);
    if (!contestants) return session.fail({ExitStatus::usage, contestants.error().message()});
    // The demand was measured: nothing is added to it.
    compare::Grid grid{*contestants, {}, {DemandScale{}}};
    grid.controller.emplace();
    std::vector<compare::Reproduction> reproductions(contestants->size(),
                                                     compare::Reproduction(*recording));
    grid.on_tick_of = [&reproductions](std::size_t run) -> compare::OnTick {
        return [&one = reproductions[run]](const compare::RunTick& tick) { one.look(tick); };
    };
    compare::Constants constants = options.constants;
    constexpr double kLeastTick_s = 0.1;
    constexpr double kMostTick_s = 3600;
    if (!options.tick_given && recording->workload.tick_s > 0)
        constants.tick_s = std::clamp(recording->workload.tick_s, kLeastTick_s, kMostTick_s);
    constants.recorded_ticks = !options.tick_given;
    if (!options.report.empty()) {
        if (const auto able = can_write(options.report, {options.recording}); !able)
            return session.fail({ExitStatus::failed, able.error().message()});
        constants.detail =
            report::detail_for(compare::runs_of(grid), recording->workload.vms.size());
    }
    const auto results = [&] {
        Progress progress(environment.err, environment.err_terminal);
        return compare::run_grid(recording->workload, grid, constants, options.jobs,
                                 [&](double done) { progress.show(done); });
    }();
    if (!results) return session.fail({ExitStatus::failed, results.error().message()});
    if (!options.report.empty()) {
        const auto page =
            compare::page_input(recording->workload, constants, {options.recording, *results});
        if (const auto written = write_page(options.report, compare::page_of({page}, constants));
            !written)
            return session.fail({ExitStatus::failed, written.error().message()});
    }
    if (session.json) return session.print(replay_json(*recording, *results, reproductions));
    environment.out << replay_text(*recording, *results, reproductions, environment.out_terminal);
    return ExitStatus::done;
}

std::string footer() {
    return "What the guests of a recording (`ballastctl record`) needed is run again under other\n"
           "policies, by the daemon's controller on a model of guests and host of the recorded\n"
           "host's size, from what they had at the start, and shown beside what happened. Under "
           "the\n"
           "policy that was recorded it lends what was lent. docs/recordings.md tells how demand "
           "is read off, docs/simulator.md the\n"
           "model; `ballastctl compare` takes recordings too, at any ratio of overcommit.\n\n" +
           constants_text() +
           "\nExamples:\n  ballastctl replay night.ballast\n"
           "  ballastctl replay night.ballast --policy ballast --policy mom --json\n"
           "  ballastctl replay night.ballast --set ballast.comfort_percent=10 --report night.html";
}

}  // namespace

void add_replay_command(CLI::App& app, Session& session) {
    CLI::App* command =
        app.add_subcommand("replay", "What a policy would have done on a host that was recorded");
    const auto options = std::make_shared<ReplayOptions>();
    command->add_option("RECORDING", options->recording, "a file of `ballastctl record`")
        ->required()
        ->type_name("");
    command
        ->add_option("--policy", options->policies,
                     "one or more; `clairvoyant` knows the future (ballast)")
        ->type_name("P")
        ->allow_extra_args(false);
    add_run_options(*command, *options, "so many points of what was lent over time (12)",
                    "as recorded");
    command->footer(footer());
    command->callback([&session, options] {
        session.command = [&session, options] { return run(session, *options); };
    });
}

}  // namespace ballast::ctl
