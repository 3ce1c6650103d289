#include <fmt/format.h>

#include "ctl/compared_files.h"
#include "ctl/file_contents.h"
#include "ctl/session.h"
#include "vectors/compare.h"

namespace ballast::ctl {
namespace {

using vectors::Comparison;
using vectors::Difference;

Result<Comparison> compare(const std::string& policy, const std::string& path) {
    const auto text = file_contents(path);
    if (!text) return Failure(text.error());
    return vectors::compare(policy, *text, path);
}

std::string text_of(const Comparison& comparison) {
    std::string text = fmt::format("{}: {} compared, {} differ\n", comparison.name,
                                   comparison.compared, comparison.differ);
    if (comparison.first) {
        const Difference& first = *comparison.first;
        text += fmt::format(
            "  first difference, line {}, {} ({}), {}:\n    expected: {}\n    got:      {}\n",
            first.line, first.id, first.kind, first.at, first.expected, first.got);
    }
    return text;
}

Json json_of(const Comparison& comparison) {
    Json json{{"file", comparison.name},
              {"compared", comparison.compared},
              {"differ", comparison.differ},
              {"malformed", comparison.malformed}};
    if (comparison.first) {
        const Difference& first = *comparison.first;
        json["first"] = {{"line", first.line},         {"id", first.id},
                         {"kind", first.kind},         {"at", first.at},
                         {"expected", first.expected}, {"got", first.got}};
    }
    return json;
}

ExitStatus run(const Session& session, const std::string& policy,
               const std::vector<std::string>& paths) {
    const auto told_broken = [&session](const Comparison& comparison) {
        for (const std::string& line : comparison.malformed)
            session.fail({ExitStatus::failed, line});
        return !comparison.malformed.empty();
    };
    return compare_files(
        session, paths, [&policy](const std::string& path) { return compare(policy, path); },
        told_broken, json_of, text_of);
}

}  // namespace

void add_vectors_command(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand(
        "vectors", "Compares Ballast's policies with golden vectors of their originals");
    const auto policy = std::make_shared<std::string>();
    const auto paths = std::make_shared<std::vector<std::string>>();
    command->add_option("POLICY", *policy, "whose vectors these are")
        ->required()
        ->check(CLI::IsMember(vectors::policies()))
        ->type_name("");
    command->add_option("FILE", *paths, "golden vectors (JSON lines: id, kind, input, output)")
        ->required()
        ->type_name("");
    command->footer(
        "Every key of an output is compared: numbers by value, doubles to the last bit. Exit\n"
        "status 1 if anything differs, a line is no vector, or nothing could be compared.\n\n"
        "Example:\n  ballastctl vectors mom mom.jsonl");
    command->callback([&session, policy, paths] {
        session.command = [&session, policy, paths] { return run(session, *policy, *paths); };
    });
}

}  // namespace ballast::ctl
