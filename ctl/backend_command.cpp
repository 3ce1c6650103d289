#include <fmt/format.h>

#include <filesystem>

#include "base/units.h"
#include "ctl/session.h"
#include "ctl/table.h"
#include "ctl/text.h"

namespace ballast::ctl {
namespace {

using std::chrono::milliseconds;

// A load waits for two ticks, and an unload twice for as long as the operator says.
constexpr milliseconds kLoadPatience = std::chrono::hours(3);
constexpr milliseconds kMostPatience = std::chrono::hours(1);
constexpr milliseconds kSpare = std::chrono::seconds(30);

std::string named(const std::string& name) {
    return name.empty() ? "must not be empty" : "";
}

std::string text(const Json& value) {
    return value.is_null() ? "" : value.get<std::string>();
}

std::string notes(const Json& backend) {
    std::string out;
    const auto note = [&out](const std::string& word) { out += (out.empty() ? "" : ", ") + word; };
    if (backend.at("in_charge").get<bool>()) note("in charge");
    if (backend.at("permanent").get<bool>()) note("locked down");
    if (backend.at("tainted").get<bool>()) note("forced out");
    for (const auto& [fault, count] : backend.at("reference_faults").items())
        if (count.get<std::uint64_t>() > 0)
            note(fmt::format("{} {}", count.get<std::uint64_t>(), fault));
    if (const double lasts = backend.at("running_call_seconds").get<double>(); lasts >= 1)
        note(fmt::format("{} runs for {:.0f} s", text(backend.at("running_call")), lasts));
    return out;
}

std::string render(const Json& answer, const Terminal& terminal) {
    Table table({{"backend"},
                 {"state"},
                 {"users", Align::right},
                 {"version", Align::left, Fit::drop},
                 {"from", Align::left, Fit::cut},
                 {"notes", Align::left, Fit::cut}});
    for (const Json& backend : answer.at("backends")) {
        const std::string state = text(backend.at("state"));
        const std::string path = text(backend.at("path"));
        table.add({{text(backend.at("name"))},
                   {state, state == "live" ? Colour::none : Colour::yellow},
                   {std::to_string(backend.at("users").get<std::int64_t>())},
                   {text(backend.at("version"))},
                   {path.empty() ? "built in" : path},
                   {notes(backend)}});
    }
    return table.render(terminal);
}

void add_list(CLI::App& group, Session& session) {
    CLI::App* command = group.add_subcommand("list", "The backends that are loaded");
    command->footer("Examples:\n  ballastctl backend list\n  ballastctl backend list --json");
    command->callback([&session] {
        session.command = [&session] {
            const Answer answer = session.client().backends();
            if (!answer) return session.fail(answer.error());
            if (session.json) return session.print(*answer);
            session.environment.out << render(*answer, session.environment.out_terminal);
            return ExitStatus::done;
        };
    });
}

ExitStatus finish(Session& session, const Answer& answer, const std::string& done) {
    if (!answer) return session.fail(answer.error());
    if (session.json) return session.print(*answer);
    session.environment.out << done << "\n";
    return ExitStatus::done;
}

void add_load(CLI::App& group, Session& session) {
    struct Choice {
        std::string name, path;
    };
    CLI::App* command = group.add_subcommand("load", "Loads a backend, or a new version of one");
    const auto choice = std::make_shared<Choice>();
    command->add_option("NAME", choice->name, "what it is to be called")
        ->required()
        ->type_name("")
        ->check(named);
    command
        ->add_option("PATH", choice->path,
                     "its shared object in the daemon's backend.module_directory, or its name "
                     "there; without "
                     "it, the built-in one")
        ->type_name("");
    command->footer(
        "A new version of the backend in charge takes over between two ticks; loans and credits\n"
        "stay. If it fails its first tick, the old one goes on.\n\n"
        "Examples:\n  ballastctl backend load libvirt libvirt.so\n"
        "  ballastctl backend load libvirt");
    command->callback([&session, choice] {
        session.command = [&session, choice] {
            Json fields = Json::object();
            // A bare name is of the daemon's directory; any other path, of this command's.
            if (choice->path.find('/') != choice->path.npos)
                fields["path"] = std::filesystem::absolute(choice->path).lexically_normal();
            else if (!choice->path.empty())
                fields["path"] = choice->path;
            return finish(
                session,
                session.client().change_backend(choice->name, "load", fields, kLoadPatience),
                "backend " + printable(choice->name) + " is loaded");
        };
    });
}

void add_unload(CLI::App& group, Session& session) {
    struct Choice {
        std::string name;
        std::string patience = "60s";
        bool nonblock = false, wait = false, force = false, keep_loans = false;
    };
    CLI::App* command = group.add_subcommand("unload", "Unloads a backend");
    const auto choice = std::make_shared<Choice>();
    command->add_option("NAME", choice->name, "the backend")
        ->required()
        ->type_name("")
        ->check(named);
    auto* nonblock = command->add_flag("--nonblock", choice->nonblock, "only if nobody uses it");
    auto* wait = command->add_flag("--wait", choice->wait,
                                   "return what is lent and wait for the last user (default)");
    auto* force = command->add_flag("--force", choice->force,
                                    "under its users; where backend.force_unload allows it");
    nonblock->excludes(wait)->excludes(force);
    wait->excludes(force);
    command->add_option("--timeout", choice->patience, "how long to wait")
        ->type_name("TIME")
        ->capture_default_str()
        ->check([](const std::string& value) {
            const auto patience = parse_duration(value);
            if (!patience) return patience.error().context;
            return *patience > kMostPatience ? std::string("must be at most 1h") : std::string();
        });
    command->add_flag("--keep-loans", choice->keep_loans,
                      "leave what is lent to the backend that comes next");
    command->footer(
        "Examples:\n  ballastctl backend unload mock --nonblock\n"
        "  ballastctl backend unload libvirt --timeout 2m");
    command->callback([&session, choice] {
        session.command = [&session, choice] {
            Json fields = {{"mode", choice->force      ? "force"
                                    : choice->nonblock ? "nonblock"
                                                       : "wait"},
                           {"patience", choice->patience}};
            if (choice->keep_loans) fields["loans"] = "keep";
            const auto patience =
                std::chrono::ceil<milliseconds>(2 * *parse_duration(choice->patience)) + kSpare;
            return finish(session,
                          session.client().change_backend(choice->name, "unload", fields, patience),
                          "backend " + printable(choice->name) + " is unloaded");
        };
    });
}

void add_lockdown(CLI::App& group, Session& session) {
    CLI::App* command = group.add_subcommand("lockdown", "Makes a backend permanent");
    const auto name = std::make_shared<std::string>();
    command->add_option("NAME", *name, "the backend")->required()->type_name("")->check(named);
    command->footer(
        "It can never be unloaded or replaced again, and its use costs nothing.\n\n"
        "Examples:\n  ballastctl backend lockdown libvirt");
    command->callback([&session, name] {
        session.command = [&session, name] {
            return finish(
                session, session.client().change_backend(*name, "lockdown", Json::object(), kSpare),
                "backend " + printable(*name) + " is permanent");
        };
    });
}

}  // namespace

void add_backend_command(CLI::App& app, Session& session) {
    CLI::App* group =
        app.add_subcommand("backend", "Lists, loads, replaces and unloads hypervisor backends");
    group->require_subcommand(1);
    group->fallthrough();
    add_list(*group, session);
    add_load(*group, session);
    add_unload(*group, session);
    add_lockdown(*group, session);
}

}  // namespace ballast::ctl
