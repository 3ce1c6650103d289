#include <fmt/format.h>

#include "conform/replay.h"
#include "ctl/compared_files.h"
#include "ctl/file_contents.h"
#include "ctl/session.h"

namespace ballast::ctl {
namespace {

using conform::Comparison;
using conform::Difference;

// A trace is JSON lines; test vectors are a table with a header.
Result<Comparison> compare(const std::string& path) {
    const auto text = file_contents(path);
    if (!text) return Failure(text.error());
    const bool table = path.size() > 4 && path.compare(path.size() - 4, 4, ".csv") == 0;
    if (table) return conform::compare_vectors(*text, path);
    const auto trace = conform::read_trace(*text, path);
    if (!trace) return Failure(trace.error());
    return conform::replay(*trace);
}

std::string text_of(const Comparison& comparison) {
    std::string text = fmt::format("{}: {} compared, {} differ\n", comparison.name,
                                   comparison.compared, comparison.differ);
    if (!comparison.ended.empty()) text += fmt::format("  ends early: {}\n", comparison.ended);
    for (const auto& [rule, count] : comparison.left_out)
        text += fmt::format("  left out: {} {}\n", count, rule);
    if (comparison.first) {
        const Difference& first = *comparison.first;
        text += fmt::format(
            "  first difference, line {}, {:.6f} s: {}\n    driver:  {}\n    Ballast: {}\n",
            first.line, std::chrono::duration<double>(first.at).count(), first.what, first.driver,
            first.ballast);
        if (!first.explanation.empty()) text += fmt::format("    {}\n", first.explanation);
    }
    return text;
}

Json json_of(const Comparison& comparison) {
    Json json{{"file", comparison.name},
              {"compared", comparison.compared},
              {"differ", comparison.differ},
              {"left_out", comparison.left_out},
              {"ended", comparison.ended}};
    if (comparison.first) {
        const Difference& first = *comparison.first;
        json["first"] = {{"line", first.line},
                         {"seconds", std::chrono::duration<double>(first.at).count()},
                         {"what", first.what},
                         {"driver", first.driver},
                         {"ballast", first.ballast},
                         {"explanation", first.explanation}};
    }
    return json;
}

ExitStatus run(const Session& session, const std::vector<std::string>& paths) {
    return compare_files(
        session, paths, compare, [](const Comparison&) { return false; }, json_of, text_of);
}

}  // namespace

void add_conform_command(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand(
        "conform", "Compares Ballast's decisions with traces of the kernel's cmm driver");
    const auto paths = std::make_shared<std::vector<std::string>>();
    command->add_option("TRACE", *paths, "a trace (JSON lines), or test vectors (.csv)")
        ->required()
        ->type_name("");
    command->footer(
        "Each trace runs through the configuration, the controller and the pseries simulator on a\n"
        "virtual clock, in profile kernel. Exit status 1 if anything differs, or nothing could be\n"
        "compared.\n\nExample:\n  ballastctl conform 04_oomcredit.64k.jsonl poll_vectors.csv");
    command->callback([&session, paths] {
        session.command = [&session, paths] { return run(session, *paths); };
    });
}

}  // namespace ballast::ctl
