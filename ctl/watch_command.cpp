#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ctime>

#include "base/units.h"
#include "bus/ballast_bus_merge.hpp"
#include "bus/record_json.h"
#include "ctl/bus_option.h"
#include "ctl/session.h"
#include "ctl/text.h"

namespace ballast::ctl {
namespace {

struct WatchOptions {
    std::vector<std::string> buses;
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
    const Json& value = record.at(field);
    return value.is_null() ? "unknown" : format_size(value.get<std::uint64_t>());
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
    if (type == "guest")
        return fmt::format("{}: lends {} of {}, unused {}, usable {}", text("domain"),
                           size_of(record, "loaned_bytes"), size_of(record, "total_bytes"),
                           size_of(record, "unused_bytes"), size_of(record, "usable_bytes"));
    if (record.contains("text")) return text("text");
    return fmt::format("{}: {}", text("domain"), text("what"));
}

// Writes records as they come; ends when enough have come, or nobody takes them.
ExitStatus follow(const Session& session, const WatchOptions& options, BusMerge& merge) {
    const bool several = options.buses.size() > 1;
    std::ostream& out = session.environment.out;
    // What is no record: as JSON, or the sentence.
    const auto tell = [&](Json line, std::size_t bus, const std::string& sentence) {
        const std::string& path = options.buses[bus];
        if (several) line["bus"] = path;
        if (session.json)
            out << line.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
        else
            out << "-- " << (several ? printable(path) + ": " : "") << sentence << "\n";
        out.flush();
    };
    const auto tell_gone = [&](std::size_t bus) {
        const std::string why = merge.error(bus);
        Json line{{"type", "writer_gone"}};
        if (!why.empty()) line["error"] = why;
        tell(line, bus,
             "nobody writes it any more; waiting" + (why.empty() ? "" : ": " + printable(why)));
    };
    ballast_bus_record record;
    for (std::uint64_t shown = 0; out && (options.count == 0 || shown < options.count);) {
        const auto [answer, bus] = merge.next(record, 1000);
        if (answer == BALLAST_BUS_WRITER_GONE) tell_gone(bus);
        if (answer == BALLAST_BUS_RESTARTED) tell({{"type", "restarted"}}, bus, "a new writer");
        if (answer != BALLAST_BUS_RECORD) continue;
        if (record.lost > 0)
            tell({{"type", "lost"}, {"count", record.lost}}, bus,
                 fmt::format("{} events lost", record.lost));
        auto json = record_json(record);
        if (!json || !options.filter.matches(*json)) continue;
        ++shown;
        if (several) (*json)["bus"] = options.buses[bus];
        if (session.json)
            out << json->dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
        else
            out << fmt::format("{}  {}{:<9} {}\n", time_of_day(record.wall_ns),
                               several ? printable(options.buses[bus]) + "  " : "",
                               json->at("type").get<std::string>(), sentence(*json));
        out.flush();
    }
    return out ? ExitStatus::done : ExitStatus::failed;
}

ExitStatus run(const Session& session, WatchOptions options) {
    for (const std::string& type : options.filter.types)
        if (!bus_type_from_name(type))
            return session.fail(
                {ExitStatus::usage, fmt::format("type is '{}', expected one of: {}", type,
                                                fmt::join(bus_type_names(), " "))});
    if (options.buses.empty()) {
        auto bus = find_bus(session);
        if (!bus) return session.fail(bus.error());
        options.buses = {std::move(*bus)};
    }
    try {
        BusMerge merge(options.buses, options.from_oldest ? BALLAST_BUS_FROM_OLDEST : 0);
        return follow(session, options, merge);
    } catch (const std::system_error& error) {
        return session.fail(bus_failure(error));
    }
}

constexpr const char* kWatchFooter =
    R"(Reads the daemon's event bus, and goes on with the next daemon when one ends. Without --bus, the
daemon is asked once which file it writes.
Decisions are told when they change. Watching costs the daemon nothing.

Examples:
  ballastctl watch
  ballastctl watch --type decision --type oom --domain 'db-*'
  ballastctl watch --from-oldest --json
  ballastctl watch --bus /run/ballast/events --bus /run/other/events)";

}  // namespace

void add_watch_command(CLI::App& app, Session& session) {
    CLI::App* command =
        app.add_subcommand("watch", "Follows every decision and event of the daemon");
    const auto options = std::make_shared<WatchOptions>();
    command
        ->add_option("--bus", options->buses,
                     "the event bus (else $BALLAST_BUS, else the one that the daemon writes); "
                     "several are merged in order of time")
        ->type_name("PATH")
        ->expected(1)
        ->take_all();
    command
        ->add_option("--type", options->filter.types, "only these; may be repeated (all but guest)")
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
    command->footer(kWatchFooter);
    command->callback([&session, options] {
        session.command = [&session, options] { return run(session, *options); };
    });
}

}  // namespace ballast::ctl
