#include "ctl/session.h"
#include "ctl/text.h"

namespace ballast::ctl {
namespace {

struct Choice {
    std::string domain;
    bool all = false;
};

// What a command says when it is done.
struct Wording {
    const char* name;
    const char* description;
    const char* done;
    const char* footer;
};

constexpr Wording kDisable{"disable", "Switches lending off; what is lent goes back",
                           "lends nothing",
                           "Without DOMAIN, or with --all: for all domains.\n\n"
                           "Examples:\n  ballastctl disable db-1\n  ballastctl disable --all"};
constexpr Wording kEnable{"enable", "Switches lending on again", "may lend",
                          "Without DOMAIN, or with --all: for all domains.\n\n"
                          "Examples:\n  ballastctl enable db-1\n  ballastctl enable --all"};
constexpr Wording kRelease{
    "release", "Gives back what is lent now; lending starts over at the next tick",
    "gets back what it lent",
    "Without DOMAIN, or with --all: for all domains. Under policy `fixed` the domain's\n"
    "simulate_loan_target_kb is set back too, so that it stays released.\n\n"
    "Examples:\n  ballastctl release db-1\n  ballastctl release --all"};

void add(CLI::App& app, Session& session, const Wording& wording) {
    CLI::App* command = app.add_subcommand(wording.name, wording.description);
    const auto choice = std::make_shared<Choice>();
    CLI::Option* domain =
        command->add_option("DOMAIN", choice->domain, "the domain's name, HOST/NAME or UUID");
    domain->type_name("")->check([](const std::string& name) {
        return name.empty() ? "must not be empty" : "";  // the API takes an empty name for all
    });
    command->add_flag("--all", choice->all, "all domains")->excludes(domain);
    command->footer(wording.footer);
    command->callback([&session, choice, &wording] {
        session.command = [&session, choice, &wording] {
            const Answer answer = session.client().control(wording.name, choice->domain);
            if (!answer) return session.fail(answer.error());
            if (session.json) return session.print(*answer);
            session.environment.out
                << (choice->domain.empty() ? "every domain" : printable(choice->domain)) << " "
                << wording.done << " now\n";
            return ExitStatus::done;
        };
    });
}

}  // namespace

void add_control_commands(CLI::App& app, Session& session) {
    add(app, session, kDisable);
    add(app, session, kEnable);
    add(app, session, kRelease);
}

}  // namespace ballast::ctl
