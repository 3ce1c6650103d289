#include <fmt/format.h>

#include <thread>
#include <utility>

#include "base/units.h"
#include "ctl/interruptible.h"
#include "ctl/live_text.h"
#include "ctl/session.h"
#include "ctl/text.h"

namespace ballast::ctl {
namespace {

struct ReserveOptions {
    std::string size;
    std::string domain;
    std::string timeout = "1m";
    std::string expires = "10m";
    bool no_wait = false;
    bool list = false;
    std::uint64_t cancel = 0;  // 0 = none
};

constexpr std::chrono::milliseconds kLookEvery{200};

const Json* find(const Json& reservations, std::uint64_t id) {
    for (const Json& one : reservations)
        if (one.at("id").get<std::uint64_t>() == id) return &one;
    return nullptr;
}

std::string size_of(const Json& bytes) {
    return bytes.is_null() ? "unknown" : format_size(bytes.get<std::uint64_t>());
}

ExitStatus list(const Session& session) {
    const Answer answer = session.client().reservations();
    if (!answer) return session.fail(answer.error());
    if (session.json) return session.print(*answer);
    for (const Json& one : answer->at("reservations")) {
        const bool domain = !one.at("domain").is_null();
        session.environment.out << fmt::format(
            "{}: {}{}, {}, {} to come, expires in {:.0f} s\n", one.at("id").get<std::uint64_t>(),
            size_of(one.at("bytes")),
            domain ? " for " + printable(one.at("domain").get<std::string>()) : "",
            one.at("ready").get<bool>() ? "ready" : "waiting", size_of(one.at("outstanding_bytes")),
            one.at("expires_in_seconds").get<double>());
    }
    return ExitStatus::done;
}

ExitStatus cancel(const Session& session, std::uint64_t id) {
    const Answer answer = session.client().cancel_reservation(id);
    if (!answer) return session.fail(answer.error());
    if (session.json) return session.print(*answer);
    session.environment.out << "reservation " << id << " is cancelled\n";
    return ExitStatus::done;
}

// Nothing is kept that nobody got.
ExitStatus give_up(const Session& session, std::uint64_t id, const std::string& why) {
    const Answer cancelled = session.client().cancel_reservation(id);
    return session.fail(
        {ExitStatus::failed, cancelled ? why + "; the reservation is cancelled" : why});
}

// What keeps domains from lending more; empty if nothing is known.
std::string obstacles(const Session& session) try {
    const Answer status = session.client().status();
    if (!status || !status->is_object()) return "";
    if (status->value("disabled", false)) return "; lending is switched off";
    const Json constraints =
        status->value(Json::json_pointer("/domains/constraints"), Json::object());
    std::string bound;
    for (const auto& [name, count] : constraints.items())
        if (name != "none")
            bound += fmt::format("{}{} {}", bound.empty() ? "; domains are bound by " : ", ",
                                 printable(name), count.dump());
    return bound;
} catch (const Json::exception&) {
    return "";  // the reservation is still to be cancelled
}

// By itself, while it was waited for.
ExitStatus ended(const Session& session, std::uint64_t id, bool expired,
                 const std::string& domain) {
    if (expired || domain.empty())
        return session.fail(
            {ExitStatus::failed, fmt::format("reservation {} has ended before it was ready", id)});
    if (session.json) return session.print({{"id", id}, {"ended", true}});
    session.environment.out << fmt::format(
        "reservation {} has ended: {} has its memory, or is gone\n", id, printable(domain));
    return ExitStatus::done;
}

// How far it came: what hosts have available, at first and at last.
std::string progress(const Json& first_bytes, const Json& last_bytes, const Json& reservation) {
    const std::string now = size_of(last_bytes) + " are available on the host";
    if (first_bytes.is_null() || last_bytes.is_null()) return now;
    const auto first = first_bytes.get<std::uint64_t>();
    const auto last = last_bytes.get<std::uint64_t>();
    const std::string change = last > first
                                   ? fmt::format("{} more than at first", format_size(last - first))
                                   : std::string("no more than at first");
    return fmt::format("{}, {}, and {} are to come for it", now, change,
                       size_of(reservation.at("outstanding_bytes")));
}

ExitStatus wait_until_ready(const Session& session, std::uint64_t id, Duration patience,
                            Duration expires, const std::string& domain) {
    const SystemClock clock;
    const Interruptible interruptible;
    const Environment& environment = session.environment;
    LiveText live(environment.err, environment.err_terminal, clock);
    const Time begun = clock.now();
    const Time deadline = begun + patience;
    Json available_first;
    bool seen_before = false;
    for (;;) {
        const Answer answer = session.client().reservations();
        if (!answer) return session.fail(answer.error());
        const Json* const one = find(answer->at("reservations"), id);
        if (one == nullptr) return ended(session, id, clock.now() - begun >= expires, domain);
        if (one->at("ready").get<bool>()) {
            if (session.json) return session.print(*one);
            environment.out << fmt::format("reservation {}: {} are free\n", id,
                                           size_of(one->at("bytes")));
            return ExitStatus::done;
        }
        const Json& available_bytes = answer->at("available_bytes");
        if (!std::exchange(seen_before, true)) available_first = available_bytes;
        const std::string available = size_of(available_bytes);
        if (interruptible.interrupted()) return give_up(session, id, "interrupted");
        if (clock.now() >= deadline)
            return give_up(
                session, id,
                fmt::format("not free within --timeout {}: {}{}", format_duration(patience),
                            progress(available_first, available_bytes, *one), obstacles(session)));
        if (live.due()) live.show(fmt::format("{} available\n", available));
        std::this_thread::sleep_for(kLookEvery);
    }
}

ExitStatus reserve(const Session& session, const ReserveOptions& options) {
    const auto bytes = parse_size(options.size);
    if (!bytes) return session.fail({ExitStatus::usage, "SIZE: " + bytes.error().message()});
    const auto patience = parse_duration(options.timeout);
    if (!patience)
        return session.fail({ExitStatus::usage, "--timeout: " + patience.error().message()});
    const auto expires = parse_duration(options.expires);
    if (!expires)
        return session.fail({ExitStatus::usage, "--expires: " + expires.error().message()});
    const Answer made = session.client().reserve(*bytes, options.domain,
                                                 std::chrono::duration<double>(*expires).count());
    if (!made) return session.fail(made.error());
    const auto id = made->at("id").get<std::uint64_t>();
    if (!options.no_wait) return wait_until_ready(session, id, *patience, *expires, options.domain);
    if (session.json) return session.print(*made);
    session.environment.out << "reservation " << id << " of " << format_size(*bytes) << "\n";
    return ExitStatus::done;
}

ExitStatus run(const Session& session, const ReserveOptions& options) {
    try {
        if (options.list) return list(session);
        if (options.cancel != 0) return cancel(session, options.cancel);
        if (options.size.empty())
            return session.fail({ExitStatus::usage, "expected SIZE, --list or --cancel ID"});
        return reserve(session, options);
    } catch (const Json::exception& exception) {
        return session.fail(
            {ExitStatus::failed, std::string("the daemon's answer: ") + exception.what()});
    }
}

constexpr const char* kReserveFooter =
    R"(What the host lacks is lent by guests that can spare it: none goes below a quarter of what it could
use, or twice what would count as shortage. The command ends when the memory is really there, or
fails after --timeout. It is kept free until --expires; what DOMAIN holds once it runs comes off.

Examples:
  ballastctl reserve 8GiB --timeout 2m
  ballastctl reserve 4GiB --domain db-1 --expires 30m
  ballastctl reserve --list
  ballastctl reserve --cancel 3)";

}  // namespace

void add_reserve_command(CLI::App& app, Session& session) {
    CLI::App* command =
        app.add_subcommand("reserve", "Frees host memory and keeps it free, for a domain to start");
    const auto options = std::make_shared<ReserveOptions>();
    CLI::Option* size = command->add_option("size", options->size, "how much")->type_name("SIZE");
    command->add_option("--domain", options->domain, "who will use it: a name or UUID")
        ->type_name("DOMAIN")
        ->needs(size);
    command->add_option("--timeout", options->timeout, "how long to wait for it")
        ->type_name("DURATION")
        ->capture_default_str();
    command->add_option("--expires", options->expires, "when it ends by itself, 1s to 1d")
        ->type_name("DURATION")
        ->capture_default_str();
    command->add_flag("--no-wait", options->no_wait, "do not wait until it is there");
    CLI::Option* list = command->add_flag("--list", options->list, "those that there are");
    command->add_option("--cancel", options->cancel, "end one; what was lent for it goes back")
        ->type_name("ID")
        ->check([](const std::string& text) {
            const bool number = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
            return number && text != "0" ? "" : "expected the number of a reservation";
        })
        ->excludes(size)
        ->excludes(list);
    list->excludes(size);
    command->footer(kReserveFooter);
    command->callback([&session, options] {
        session.command = [&session, options] { return run(session, *options); };
    });
}

}  // namespace ballast::ctl
