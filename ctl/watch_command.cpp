#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <ctime>

#include "base/units.h"
#include "bus/ballast_bus.hpp"
#include "bus/record_json.h"
#include "ctl/session.h"
#include "ctl/text.h"

namespace ballast::ctl {
namespace {

struct Options {
    std::string bus;
    RecordFilter filter;
    bool from_oldest = false;
    std::uint64_t count = 0;  // 0: no end
};

// "12:34:56.789", in local time.
std::string time_of_day(std::int64_t wall_ns) {
    const std::time_t whole = wall_ns / 1'000'000'000;
    std::tm local{};
    localtime_r(&whole, &local);
    return fmt::format("{:%H:%M:%S}.{:03}", local, wall_ns / 1'000'000 % 1000);
}

std::string size_of(const Json& record, const char* field) {
    return format_size(record.at(field).get<std::uint64_t>());
}

// What one record says, for people.
std::string sentence(const Json& record) {
    const auto text = [&](const char* field) {
        return printable(record.at(field).get<std::string>());
    };
    const std::string type = record.at("type");
    if (type == "decision") {
        const std::string constraint = text("constraint");
        return fmt::format("{}: lends {}, loan target {}{}, {}", text("domain"),
                           size_of(record, "loaned_after_bytes"),
                           size_of(record, "loan_target_bytes"),
                           constraint == "none" ? "" : ", " + constraint, text("outcome"));
    }
    if (type == "tick")
        return fmt::format(
            "{}: {} domains lend {} of {}, took {:.3g} ms", record.at("tick").get<std::uint64_t>(),
            record.at("domains").get<std::uint64_t>(), size_of(record, "loaned_bytes"),
            size_of(record, "total_bytes"), record.at("took_seconds").get<double>() * 1000);
    if (type == "oom")
        return fmt::format("{}: took {} back", text("domain"), size_of(record, "bytes"));
    if (record.contains("text")) return text("text");
    return fmt::format("{}: {}", text("domain"), text("what"));
}

// Writes records as they come; ends when enough have come, or nobody takes them.
ExitStatus follow(const Session& session, const Options& options, Bus& bus) {
    std::ostream& out = session.environment.out;
    const auto tell = [&](const char* what, const Json& more) {
        if (session.json) {
            Json line{{"type", what}};
            line.update(more);
            out << line.dump() << "\n" << std::flush;
        }
    };
    ballast_bus_record record;
    for (std::uint64_t shown = 0; out && (options.count == 0 || shown < options.count);) {
        const ballast_bus_answer answer = bus.next(record, 1000);
        if (answer == BALLAST_BUS_WRITER_GONE) {
            tell("writer_gone", Json::object());
            if (!session.json)
                out << "-- the daemon has gone; waiting for the next\n" << std::flush;
        }
        if (answer == BALLAST_BUS_RESTARTED) {
            tell("restarted", Json::object());
            if (!session.json) out << "-- another daemon\n" << std::flush;
        }
        if (answer != BALLAST_BUS_RECORD) continue;
        if (record.lost > 0) {
            tell("lost", {{"count", record.lost}});
            if (!session.json) out << fmt::format("-- {} events lost\n", record.lost);
        }
        const auto json = record_json(record);
        if (!json || !options.filter.matches(*json)) continue;
        ++shown;
        if (session.json)
            out << json->dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
        else
            out << fmt::format("{}  {:<9} {}\n", time_of_day(record.wall_ns),
                               json->at("type").get<std::string>(), sentence(*json));
        out.flush();
    }
    return out ? ExitStatus::done : ExitStatus::failed;
}

ExitStatus run(const Session& session, const Options& options) {
    for (const std::string& type : options.filter.types)
        if (!bus_type_from_name(type))
            return session.fail(
                {ExitStatus::usage, fmt::format("type is '{}', expected one of: {}", type,
                                                fmt::join(bus_type_names(), " "))});
    try {
        Bus bus(options.bus, options.from_oldest ? BALLAST_BUS_FROM_OLDEST : 0);
        return follow(session, options, bus);
    } catch (const std::system_error& error) {
        const bool absent = error.code().value() == ENOENT;
        return session.fail(
            {absent ? ExitStatus::unreachable : ExitStatus::failed,
             absent ? options.bus + ": no daemon has been here yet" : error.what()});
    }
}

constexpr const char* kFooter =
    R"(Reads the daemon's event bus and nothing else, and goes on with the next daemon when one ends.
Decisions are told when they change. Watching costs the daemon nothing.

Examples:
  ballastctl watch
  ballastctl watch --type decision --type oom --domain 'db-*'
  ballastctl watch --from-oldest --json)";

}  // namespace

void add_watch_command(CLI::App& app, Session& session) {
    CLI::App* command =
        app.add_subcommand("watch", "Follows every decision and event of the daemon");
    const auto options = std::make_shared<Options>();
    const char* const configured = std::getenv("BALLAST_BUS");
    options->bus = configured != nullptr ? configured : "/run/ballast/events";
    command->add_option("--bus", options->bus, "the event bus (else $BALLAST_BUS)")
        ->type_name("PATH")
        ->capture_default_str();
    command->add_option("--type", options->filter.types, "only these; may be repeated")
        ->type_name("TYPE")
        ->expected(1)
        ->take_all();
    command
        ->add_option("--domain", options->filter.domains, "only of these domains; may be repeated")
        ->type_name("GLOB")
        ->expected(1)
        ->take_all();
    command->add_flag("--from-oldest", options->from_oldest, "begin with the oldest there is");
    command->add_option("--count", options->count, "end after so many")->type_name("N");
    command->footer(kFooter);
    command->callback([&session, options] {
        session.command = [&session, options] { return run(session, *options); };
    });
}

}  // namespace ballast::ctl
