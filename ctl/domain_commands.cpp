#include <fmt/format.h>

#include <unordered_map>

#include "base/units.h"
#include "ctl/session.h"
#include "ctl/table.h"
#include "ctl/text.h"

namespace ballast::ctl {
namespace {

Cell size_cell(const Json& bytes) {
    if (bytes.is_null()) return {"-", Colour::dim};
    const auto value = bytes.get<std::uint64_t>();
    return {format_size(value), value == 0 ? Colour::dim : Colour::none};
}

// What the guest could use; with its age where it may have changed since.
Cell usable_cell(const Json& domain) {
    Cell cell = size_cell(domain.at("usable_bytes"));
    const Json age = domain.value("stats_age_seconds", Json());
    constexpr double kOld_s = 5;
    if (domain.at("usable_bytes").is_null() || age.is_null() || age.get<double>() < kOld_s)
        return cell;
    return {fmt::format("{} ({:.0f} s old)", cell.text, age.get<double>()), Colour::yellow};
}

Colour colour_of(const std::string& constraint) {
    if (constraint == "none") return Colour::dim;
    if (constraint == "backend_error" || constraint == "stuck" || constraint == "no_driver")
        return Colour::red;
    return Colour::yellow;
}

// What is out of the ordinary: not how the domain's balloon is built.
std::string state_of(const Json& domain) {
    std::string out = domain.at("disabled").get<bool>() ? "disabled" : "";
    for (const Json& flag : domain.at("flags")) {
        const auto name = flag.get<std::string>();
        if (name == "deflate_on_oom" || name == "carried_over" || name == "late_stats") continue;
        out += (out.empty() ? "" : ",") + name;
    }
    return out;
}

// As other commands take it: with its host where the daemon names hosts.
std::string full_name(const Json& domain) {
    const auto name = domain.at("name").get<std::string>();
    const Json host = domain.value("host", Json());
    return host.is_string() ? host.get<std::string>() + "/" + name : name;
}

// In a dry run targets are what domains would lend.
bool is_dry_run(const Json& domains) {
    return !domains.empty() && domains.front().value("would_lend_bytes", Json()).is_number();
}

std::string render(const Json& domains, const Terminal& terminal) {
    const bool dry_run = is_dry_run(domains);
    Table table({{"NAME", Align::left, Fit::cut},
                 {"MEMORY", Align::right},
                 {"LENT", Align::right},
                 {dry_run ? "WOULD LEND" : "TARGET", Align::right},
                 {"KEEPS", Align::right, Fit::drop},
                 {"FREE", Align::right, Fit::drop},
                 {"CREDIT", Align::right, Fit::drop},
                 {"CONSTRAINT", Align::left},
                 {"STATE", Align::left, Fit::cut}});
    std::unordered_map<std::string, int> named;
    for (const Json& domain : domains) ++named[full_name(domain)];
    for (const Json& domain : domains) {
        const std::string name = full_name(domain);
        const bool is_unique = named[name] == 1;
        const auto constraint = domain.at("constraint").get<std::string>();
        // Two connections may lead to one host.
        table.add({{is_unique ? name : domain.at("uuid").get<std::string>() + " " + name},
                   size_cell(domain.at("total_bytes")),
                   size_cell(domain.at("loaned_bytes")),
                   size_cell(domain.at(dry_run ? "would_lend_bytes" : "loan_target_bytes")),
                   size_cell(domain.at("min_mem_bytes")),
                   usable_cell(domain),
                   size_cell(domain.at("oom_freed_bytes")),
                   {constraint, colour_of(constraint)},
                   {state_of(domain), Colour::yellow}});
    }
    return table.render(terminal);
}

void add_domains(CLI::App& app, Session& session) {
    CLI::App* command =
        app.add_subcommand("domains", "Every domain: its memory, what it lends, and why no more");
    command->footer(
        "MEMORY is all of the domain's memory, KEEPS what it must keep (min_mem_mb), FREE what "
        "the\n"
        "guest calls available (with the age of old figures), CREDIT what it took back when it ran "
        "out of memory.\n\n"
        "Examples:\n  ballastctl domains\n  ballastctl domains --json");
    command->callback([&session] {
        session.command = [&session] {
            const Answer answer = session.client().domains();
            if (!answer) return session.fail(answer.error());
            if (session.json) return session.print(*answer);
            session.environment.out
                << render(answer->at("domains"), session.environment.out_terminal);
            return ExitStatus::done;
        };
    });
}

void add_explain(CLI::App& app, Session& session) {
    CLI::App* command =
        app.add_subcommand("explain", "Why a domain lends what it lends, in sentences");
    const auto domain = std::make_shared<std::string>();
    command->add_option("DOMAIN", *domain, "the domain's name, HOST/NAME or UUID")
        ->required()
        ->type_name("");
    command->footer("Examples:\n  ballastctl explain db-1\n  ballastctl explain db-1 --json");
    command->callback([&session, domain] {
        session.command = [&session, domain] {
            const Answer answer = session.client().explain(*domain);
            if (!answer) return session.fail(answer.error());
            if (session.json) return session.print(*answer);
            std::string text = printable(answer->at("text").get<std::string>(), true);
            if (!text.ends_with('\n')) text += '\n';
            session.environment.out << text;
            return ExitStatus::done;
        };
    });
}

}  // namespace

void add_domain_commands(CLI::App& app, Session& session) {
    add_domains(app, session);
    add_explain(app, session);
}

}  // namespace ballast::ctl
