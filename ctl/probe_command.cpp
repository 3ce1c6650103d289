#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <numeric>
#include <system_error>
#include <thread>

#include "base/units.h"
#include "ctl/live_text.h"
#include "ctl/probe_view.h"
#include "ctl/session.h"
#include "probe/choice.h"
#include "probe/kernel_format.h"

namespace ballast::ctl {
namespace {

using probe::Parameters;
using probe::Plan;
using probe::ScaleType;

struct ProbeOptions {
    std::vector<std::string> scale_types;
    Parameters parameters;
    std::string format = "table";
    std::string report;
    std::uint64_t seed = 1;
    bool explain = false;
    double reads_per_s = 100;
    double updates_per_s = 1;
};

CommandFailure failure(const Error& error) {
    const bool usage = error.code == Errc::invalid_argument || error.code == Errc::not_found;
    return {usage ? ExitStatus::usage : ExitStatus::failed, error.message()};
}

// Those that were named, or all; in a survey with the two that all are compared with.
Result<std::vector<const ScaleType*>> wanted_types(const std::vector<std::string>& names,
                                                   bool baselines) {
    std::vector<const ScaleType*> types;
    const auto named = [&](std::string_view name) {
        return std::find(names.begin(), names.end(), name) != names.end();
    };
    for (const std::string& name : names)
        if (probe::find_scale_type(name) == nullptr)
            return Failure(probe::unknown_scale_type(name));
    for (const ScaleType& type : probe::scale_types()) {
        const bool baseline = baselines && (type.name == "empty" || type.name == "refcnt");
        if (names.empty() || named(type.name) || baseline) types.push_back(&type);
    }
    return types;
}

// Everything that a run needs, checked.
struct Prepared {
    Plan plan;
    std::unique_ptr<probe::ReaderTeam> team;
};

Result<Prepared> prepare(const Parameters& parameters) {
    auto cpus = probe::usable_cpus();
    if (!cpus) return Failure(cpus.error());
    const auto plan = probe::check(parameters, static_cast<unsigned>(cpus->size()));
    if (!plan) return Failure(plan.error());
    cpus->resize(plan->readers);
    auto team = probe::ReaderTeam::start({.cpus = *cpus});
    if (!team) return Failure(team.error());
    std::this_thread::sleep_for(plan->holdoff);
    return Prepared{*plan, std::move(*team)};
}

probe::Section section_of(const Plan& plan) {
    return {.loops = plan.loops, .read_delay = plan.read_delay};
}

// --- as the kernel does it: one scheme, so many readers, one experiment after the other

// As many experiments are thrown away for each that is kept, at most.
constexpr std::uint32_t tries_for_one = 10;

ExitStatus run_as_kernel(const Session& session, ProbeOptions options) {
    if (options.scale_types.size() > 1)
        return session.fail({ExitStatus::usage,
                             "--format kernel measures one scale type at a time, as the kernel "
                             "does; expected at most one --scale-type"});
    if (!options.scale_types.empty()) options.parameters.scale_type = options.scale_types[0];
    const ScaleType* const type = probe::find_scale_type(options.parameters.scale_type);
    if (type == nullptr)
        return session.fail(failure(probe::unknown_scale_type(options.parameters.scale_type)));
    const SystemClock clock;
    auto prepared = prepare(options.parameters);
    if (!prepared) return session.fail(failure(prepared.error()));
    auto scheme = type->make(clock);
    if (!scheme) return session.fail(failure(scheme.error()));

    const Plan& plan = prepared->plan;
    std::ostream& out = session.environment.out;
    out << probe::kernel_start(options.parameters);
    std::vector<double> average_ns;
    std::uint32_t thrown_away = 0;
    for (std::uint32_t tried = 0; average_ns.size() < plan.runs; ++tried) {
        if (tried == tries_for_one * plan.runs)
            return session.fail({ExitStatus::failed,
                                 fmt::format("the machine is too busy: of {} experiments, {} were "
                                             "clean, expected {}",
                                             tried, average_ns.size(), plan.runs)});
        const auto experiment =
            probe::run_experiment(*prepared->team, **scheme, plan.readers, section_of(plan), clock);
        if (options.parameters.verbose)
            session.environment.err
                << fmt::format("{}-ref-scale: experiment {} ended: {}\n", type->name, tried,
                               to_string(experiment.verdict));
        if (experiment.verdict != probe::Verdict::clean) {
            ++thrown_away;
            continue;
        }
        out << probe::kernel_experiment(options.parameters.scale_type, average_ns.size(),
                                        experiment);
        average_ns.push_back(probe::ns_per_section(experiment, plan.loops, Duration{0}));
    }
    out << probe::kernel_end(options.parameters.scale_type, average_ns);
    const Spread spread = spread_of(average_ns);
    if (spread.median <= 0 || spread.interquartile_range > 0.05 * spread.median)
        session.environment.err << fmt::format(
            "noisy: the middle half of the runs spreads over {:.0f} % of their median\n",
            spread.median > 0 ? spread.interquartile_range / spread.median * 100 : 100.0);
    if (thrown_away > 0)
        session.environment.err << fmt::format(
            "{} experiments were thrown away: a reader was switched out, or alone\n", thrown_away);
    return ExitStatus::done;
}

// --- as a survey: many schemes, 1 to so many readers, in shuffled order

std::string machine() {
    utsname name{};
    uname(&name);
    std::ifstream info("/proc/cpuinfo");
    std::string model = name.machine;
    for (std::string line; std::getline(info, line);) {
        if (line.rfind("model name", 0) != 0) continue;
        model = line.substr(line.find(':') + 2);
        break;
    }
    return fmt::format("{}, {} {}", model, name.sysname, name.release);
}

struct Surveyed {
    std::vector<probe::Finding> findings;
    Plan plan;
};

Result<Surveyed> survey(const Session& session, const ProbeOptions& options,
                        const std::vector<const ScaleType*>& types) {
    const SystemClock clock;
    auto prepared = prepare(options.parameters);
    if (!prepared) return Failure(prepared.error());
    const Plan& plan = prepared->plan;
    std::vector<unsigned> readers(plan.readers);
    std::iota(readers.begin(), readers.end(), 1U);
    probe::Survey survey(*prepared->team, clock,
                         {.types = types,
                          .readers = readers,
                          .runs = plan.runs,
                          .section = section_of(plan),
                          .seed = options.seed,
                          .keep_totals = session.json});
    const Environment& environment = session.environment;
    LiveText live(environment.err, environment.err_terminal, clock);
    while (survey.step()) {
        if (options.parameters.verbose) {
            environment.err << survey.last() << "\n";
        } else if (live.due()) {
            live.show(fmt::format(
                "{}{:3.0f} %\n",
                probe_chart(rows_of(survey.findings(), plan.runs), environment.err_terminal, true),
                survey.done() * 100));
        }
    }
    return Surveyed{survey.findings(), plan};
}

ExitStatus write_report(const Session& session, const ProbeOptions& options,
                        const std::vector<probe::Row>& rows, const Plan& plan) {
    std::ofstream file(options.report);
    file << probe_page(rows,
                       fmt::format("{}; {} loops an experiment, {} clean experiments of each "
                                   "wanted, read delay {} ns.",
                                   machine(), plan.loops, plan.runs, plan.read_delay.count()));
    file.close();
    if (!file) return session.fail({ExitStatus::failed, "cannot write " + options.report});
    return ExitStatus::done;
}

ExitStatus run_survey(const Session& session, const ProbeOptions& options) {
    const auto types = wanted_types(options.scale_types, true);
    if (!types) return session.fail(failure(types.error()));
    if (!options.report.empty() && !std::ofstream(options.report, std::ios::app))
        return session.fail(
            {ExitStatus::failed, fmt::format("cannot write {}: {}", options.report,
                                             std::generic_category().message(errno))});
    const auto surveyed = survey(session, options, *types);
    if (!surveyed) return session.fail(failure(surveyed.error()));
    const auto rows = rows_of(surveyed->findings, surveyed->plan.runs);
    const Environment& environment = session.environment;
    if (session.json) {
        session.print(json_of(rows));
    } else {
        environment.out << probe_table(rows, environment.out_terminal);
        if (environment.out_terminal.interactive)
            environment.out << "\n" << probe_chart(rows, environment.out_terminal);
    }
    if (!options.report.empty()) return write_report(session, options, rows, surveyed->plan);
    return ExitStatus::done;
}

// --- which scheme Ballast would use for what it protects

ExitStatus explain_here(const Session& session, ProbeOptions options) {
    options.parameters.nreaders = 1;
    const auto types = wanted_types(options.scale_types, false);
    if (!types) return session.fail(failure(types.error()));
    const auto surveyed = survey(session, options, *types);
    if (!surveyed) return session.fail(failure(surveyed.error()));
    const auto choice = probe::choose({.name = "readers",
                                       .needs = probe::needs_of_ballast(),
                                       .offers = probe::module_offers(),
                                       .reads_per_s = options.reads_per_s,
                                       .updates_per_s = options.updates_per_s},
                                      costs_of(surveyed->findings, surveyed->plan.runs));
    if (session.json) return session.print(json_of(choice));
    session.environment.out << explain(choice);
    return ExitStatus::done;
}

ExitStatus explain_choice(const Session& session, const ProbeOptions& options, bool rates_given) {
    if (const auto types = wanted_types(options.scale_types, false); !types)
        return session.fail(failure(types.error()));
    if (!options.report.empty())
        return session.fail(
            {ExitStatus::usage, "--explain is text of its own: expected no --report"});
    if (rates_given) return explain_here(session, options);
    const Answer answer = session.client().probe();
    if (!answer) {
        if (answer.error().status != ExitStatus::unreachable) return session.fail(answer.error());
        session.environment.err << "no daemon answers: measured here, for --reads-per-s "
                                << options.reads_per_s << " and --updates-per-s "
                                << options.updates_per_s << "\n";
        return explain_here(session, options);
    }
    if (session.json) return session.print(answer->at("choices"));
    for (const Json& choice : answer->at("choices"))
        session.environment.out << choice.at("text").get<std::string>();
    return ExitStatus::done;
}

constexpr const char* kProbeFooter =
    R"(Threads take and drop a reference under each scheme at the same time, each pinned to a CPU.
Experiments in which one was switched out or was alone are thrown away. --format kernel prints what
the kernel's refscale module does, for one scale type.

Examples:
  ballastctl probe --nreaders 2
  ballastctl probe --scale-type rcu --scale-type srcu --json
  ballastctl probe --scale-type rwlock --nreaders 2 --format kernel
  ballastctl probe --nreaders 2 --report readers.html
  ballastctl probe --explain --reads-per-s 1e6 --updates-per-s 10)";

}  // namespace

void add_probe_command(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand(
        "probe", "Measures what readers pay under each synchronisation scheme (refscale)");
    const auto options = std::make_shared<ProbeOptions>();
    Parameters& parameters = options->parameters;
    command->add_option("--scale-type", options->scale_types, "what to measure; all if not given")
        ->type_name("TYPE")
        ->expected(1)
        ->take_all();
    command->add_option("--loops", parameters.loops, "sections in an experiment")
        ->type_name("N")
        ->capture_default_str();
    command->add_option("--nreaders", parameters.nreaders, "1 to so many; -1 = 75 % of the CPUs")
        ->type_name("N")
        ->capture_default_str();
    command->add_option("--nruns", parameters.nruns, "clean experiments of each")
        ->type_name("N")
        ->capture_default_str();
    command->add_option("--readdelay", parameters.readdelay, "busy inside each section, in ns")
        ->type_name("NS")
        ->capture_default_str();
    command->add_option("--holdoff", parameters.holdoff, "seconds before the first experiment")
        ->type_name("S")
        ->capture_default_str();
    command->add_flag("--verbose", parameters.verbose, "tell of each experiment");
    command->add_option("--seed", options->seed, "of the order in which schemes are measured")
        ->type_name("N")
        ->capture_default_str();
    command->add_option("--format", options->format, "table or kernel")
        ->check(CLI::IsMember({"table", "kernel"}))
        ->type_name("FORMAT")
        ->capture_default_str();
    command->add_option("--report", options->report, "write a page with curves, for a browser")
        ->type_name("FILE");
    command->add_flag("--explain", options->explain,
                      "which scheme Ballast chooses for its own readers, and the arithmetic: the "
                      "daemon's, or measured here");
    const auto rate = [&](const char* name, double& into, const char* what) {
        return command->add_option(name, into, what)
            ->check(CLI::Range(0.0, 1e12))
            ->type_name("N")
            ->capture_default_str();
    };
    CLI::Option* const reads = rate("--reads-per-s", options->reads_per_s, "for --explain");
    CLI::Option* const updates = rate("--updates-per-s", options->updates_per_s, "for --explain");
    command->footer(kProbeFooter);
    command->callback([&session, options, reads, updates] {
        const bool rates_given = reads->count() + updates->count() > 0;
        session.command = [&session, options, rates_given] {
            const bool kernel = options->format == "kernel";
            if (kernel && (session.json || options->explain || !options->report.empty()))
                return session.fail({ExitStatus::usage,
                                     "--format kernel is text of its own: expected neither --json, "
                                     "--explain nor --report"});
            if (kernel) return run_as_kernel(session, *options);
            if (options->explain) return explain_choice(session, *options, rates_given);
            return run_survey(session, *options);
        };
    });
}

}  // namespace ballast::ctl
