#include <fmt/format.h>

#include "ctl/session.h"
#include "ctl/text.h"

namespace ballast::ctl {
namespace {

constexpr const char* kAttributes = R"(Attributes:
  delay                    seconds between ticks (default only)
  hotplug_delay            seconds without moves after memory hotplug
  oom_kb                   KiB given back at once when the guest runs out of memory
  min_mem_mb               MiB the domain keeps
  disable                  1: lends nothing
  simulate                 1: lends simulate_loan_target_kb, whatever the request (read only)
  simulate_loan_target_kb  KiB to lend under policy `fixed`
  loaned_kb                KiB lent now (read only)
  loaned_target_kb         KiB to lend (read only)
  oom_freed_kb             OOM credit in KiB; 0 clears it, nothing else may be written
  debug                    1: log more (default only)
)";

// DOMAIN and what follows it; with --default there is no DOMAIN.
struct Words {
    std::vector<std::string> list;
    bool of_default = false;

    std::string domain() const { return of_default ? "" : list.front(); }
    const std::string& after(std::size_t index) const { return list[index + (of_default ? 0 : 1)]; }
};

// Adds the positional words DOMAIN and `expected` more.
std::shared_ptr<Words> add_words(CLI::App& command, std::size_t expected, const char* form) {
    auto words = std::make_shared<Words>();
    command.add_option(form, words->list)
        ->required()
        ->type_name("")
        ->expected(1, static_cast<int>(expected + 1));
    command.add_flag("--default", words->of_default,
                     "the default for all domains; no DOMAIN is given then");
    return words;
}

void check_words(const Words& words, std::size_t expected, const char* form) {
    if (words.list.size() != expected + (words.of_default ? 0 : 1))
        throw CLI::ValidationError(
            fmt::format("expected {}{}", words.of_default ? "--default" : "DOMAIN", form));
    // An empty name would mean the default.
    if (!words.of_default && words.list.front().empty())
        throw CLI::ValidationError("DOMAIN must not be empty");
    if (words.after(0).empty()) throw CLI::ValidationError("ATTR must not be empty");
}

void add_get(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand("get", "Reads an attribute of a domain");
    const auto words = add_words(*command, 1, "DOMAIN ATTR");
    command->footer(std::string(kAttributes) +
                    "\nExamples:\n  ballastctl get db-1 loaned_kb\n"
                    "  ballastctl get --default min_mem_mb");
    command->callback([&session, words] {
        check_words(*words, 1, " ATTR");
        session.command = [&session, words] {
            const Answer answer = session.client().get_attribute(words->domain(), words->after(0));
            if (!answer) return session.fail(answer.error());
            if (session.json) return session.print(*answer);
            session.environment.out << printable(answer->at("value").get<std::string>()) << "\n";
            return ExitStatus::done;
        };
    });
}

// Written under another policy, it waits for `fixed`.
void tell_where_unused(const Session& session, const std::string& attribute) {
    if (attribute != "simulate_loan_target_kb") return;
    const Answer status = session.client().status();
    if (!status || !status->is_object() || !status->contains("policy")) return;
    const Json& policy = status->at("policy");
    if (policy != "fixed" && policy.is_string())
        session.environment.err << printable(fmt::format(
                                       "ballastctl: policy {} does not look at {}, fixed does",
                                       policy.get<std::string>(), attribute))
                                << "\n";
}

void add_set(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand("set", "Writes an attribute of a domain");
    const auto words = add_words(*command, 2, "DOMAIN ATTR VALUE");
    command->footer(std::string(kAttributes) +
                    "\nExamples:\n  ballastctl set db-1 min_mem_mb 2048\n"
                    "  ballastctl set db-1 oom_freed_kb 0\n"
                    "  ballastctl set --default delay 5");
    command->callback([&session, words] {
        check_words(*words, 2, " ATTR VALUE");
        session.command = [&session, words] {
            const Answer answer =
                session.client().set_attribute(words->domain(), words->after(0), words->after(1));
            if (!answer) return session.fail(answer.error());
            if (session.json) return session.print(*answer);
            session.environment.out
                << printable(fmt::format("{}: {} is {} now",
                                         words->of_default ? "default" : words->domain(),
                                         words->after(0), answer->at("value").get<std::string>()))
                << "\n";
            tell_where_unused(session, words->after(0));
            return ExitStatus::done;
        };
    });
}

}  // namespace

void add_attribute_commands(CLI::App& app, Session& session) {
    add_get(app, session);
    add_set(app, session);
}

}  // namespace ballast::ctl
