#include <fmt/format.h>

#include "base/units.h"
#include "bus/ballast_bus.hpp"
#include "ctl/bus_option.h"
#include "ctl/interruptible.h"
#include "ctl/live_text.h"
#include "ctl/session.h"
#include "recording/bus_recorder.h"

namespace ballast::ctl {
namespace {

struct RecordOptions {
    std::string file;
    std::string bus;  // empty: the daemon's
    std::string max_size = "1GiB";
    std::string span;  // empty: no end
    bool from_oldest = false;
};

// What is read in so long is lost where the machine stops.
constexpr Duration commit_every = std::chrono::seconds(1);
constexpr int patience_ms = 200;

std::string told(const BusRecorder& recorder) {
    return fmt::format("{} records, {}, {} lost", recorder.records(), format_size(recorder.bytes()),
                       recorder.lost());
}

// Until it is interrupted or the time is over.
Result<void> record(const Session& session, Bus& bus, BusRecorder& recorder, Duration span) {
    const Interruptible interruptible;
    const SystemClock clock;
    const Environment& environment = session.environment;
    LiveText live(environment.err, environment.err_terminal, clock);
    const Time begun = clock.now();
    Time next_commit = begun + commit_every;
    ballast_bus_record record;
    for (Time now = begun; !interruptible.interrupted() && now - begun < span; now = clock.now()) {
        if (bus.next(record, patience_ms) == BALLAST_BUS_RECORD)
            if (auto added = recorder.add(record); !added) return added;
        if (now >= next_commit) {
            if (auto committed = recorder.commit(); !committed) return committed;
            next_commit = now + commit_every;
        }
        if (live.due())
            live.show(fmt::format(
                "{}  {}\n", format_duration(std::chrono::floor<std::chrono::seconds>(now - begun)),
                told(recorder)));
    }
    return recorder.finish();
}

ExitStatus run(const Session& session, RecordOptions options) {
    const auto max_bytes = parse_size(options.max_size);
    if (!max_bytes)
        return session.fail({ExitStatus::usage, "--max-size: " + max_bytes.error().message()});
    if (*max_bytes < BusRecorder::least_bytes)
        return session.fail({ExitStatus::usage,
                             fmt::format("--max-size is {}, expected {} or more", options.max_size,
                                         format_size(BusRecorder::least_bytes))});
    auto span =
        options.span.empty() ? Result<Duration>(Duration::max()) : parse_duration(options.span);
    if (!span) return session.fail({ExitStatus::usage, "--for: " + span.error().message()});
    if (options.bus.empty()) {
        auto bus = find_bus(session);
        if (!bus) return session.fail(bus.error());
        options.bus = std::move(*bus);
    }
    try {
        Bus bus(options.bus, options.from_oldest ? BALLAST_BUS_FROM_OLDEST : 0);
        auto recorder = BusRecorder::create(options.file, options.bus, {.max_bytes = *max_bytes});
        if (!recorder) return session.fail({ExitStatus::failed, recorder.error().message()});
        const auto recorded = record(session, bus, **recorder, *span);
        if (!recorded) return session.fail({ExitStatus::failed, recorded.error().message()});
        if (session.json)
            return session.print({{"file", options.file},
                                  {"records", (*recorder)->records()},
                                  {"lost", (*recorder)->lost()},
                                  {"bytes", (*recorder)->bytes()}});
        session.environment.out << options.file << ": " << told(**recorder) << "\n";
        return ExitStatus::done;
    } catch (const std::system_error& error) {
        return session.fail(bus_failure(error));
    }
}

constexpr const char* kRecordFooter =
    R"(Reads the daemon's event bus: ticks, decisions, events and what guests use. The
file is an SQLite database, which may be read while it grows; docs/recordings.md has its tables.
Ctrl-C ends it. Where it would grow beyond --max-size, the oldest is deleted.

Examples:
  ballastctl record night.ballast
  ballastctl record hour.ballast --for 1h --max-size 256MiB)";

}  // namespace

void add_record_command(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand(
        "record", "Writes every decision and event, and what guests use, into a file");
    const auto options = std::make_shared<RecordOptions>();
    command->add_option("file", options->file, "a new file")->required()->type_name("FILE");
    command->add_option("--for", options->span, "end after so long: 5m")->type_name("DURATION");
    command->add_option("--max-size", options->max_size, "of the file")
        ->type_name("SIZE")
        ->capture_default_str();
    command->add_flag("--from-oldest", options->from_oldest, "begin with the oldest there is");
    command
        ->add_option("--bus", options->bus,
                     "the event bus (else $BALLAST_BUS, else the one that the daemon writes)")
        ->type_name("PATH");
    command->footer(kRecordFooter);
    command->callback([&session, options] {
        session.command = [&session, options] { return run(session, *options); };
    });
}

}  // namespace ballast::ctl
