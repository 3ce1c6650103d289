#include "config/config.h"
#include "ctl/session.h"
#include "ctl/text.h"
#include "policy/policy.h"

namespace ballast::ctl {
namespace {

Json problems_json(const std::string& file, const ConfigProblems* problems) {
    Json list = Json::array();
    if (problems != nullptr)
        for (const ConfigProblem& problem : problems->items)
            list.push_back(
                {{"line", problem.line}, {"column", problem.column}, {"message", problem.message}});
    return {{"file", file}, {"valid", problems == nullptr}, {"problems", std::move(list)}};
}

ExitStatus check(const Session& session, const std::string& file) {
    const ConfigResult result = load_config(file, check_policy);
    const auto* problems = std::get_if<ConfigProblems>(&result);
    if (session.json)
        session.print(problems_json(file, problems));
    else if (problems != nullptr)
        session.environment.err << printable(problems->text(), true);
    else
        session.environment.out << file << ": valid\n";
    return problems == nullptr ? ExitStatus::done : ExitStatus::failed;
}

}  // namespace

void add_check_config_command(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand(
        "check-config", "Checks a configuration or scenario file; tells every problem at once");
    const auto file = std::make_shared<std::string>();
    command->add_option("FILE", *file, "the file")->required()->type_name("");
    command->footer("Examples:\n  ballastctl check-config /etc/ballast/ballast.yaml");
    command->callback(
        [&session, file] { session.command = [&session, file] { return check(session, *file); }; });
}

}  // namespace ballast::ctl
