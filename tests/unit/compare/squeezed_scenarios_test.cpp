// Every policy in every scenario of config/examples/squeezed-*.yaml.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <variant>

#include "compare/grid.h"
#include "config/config.h"
#include "outcome.h"
#include "sim/workload_scenario.h"
#include "tests/paths.h"

using namespace ballast;
using namespace ballast::compare;
using namespace ballast::test;

namespace {

const std::filesystem::path kExamples = std::filesystem::path(source_dir()) / "config/examples";
const std::string kPrefix = "squeezed-";

std::vector<std::string> scenario_names() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(kExamples)) {
        const std::string stem = entry.path().stem().string();
        if (stem.starts_with(kPrefix)) names.push_back(stem.substr(kPrefix.size()));
    }
    std::sort(names.begin(), names.end());
    return names;
}

Workload scenario(const std::string& name) {
    const std::string path = (kExamples / (kPrefix + name + ".yaml")).string();
    const ConfigResult read = load_config(path);
    if (const auto* const problems = std::get_if<ConfigProblems>(&read)) FAIL(problems->text());
    const Settings& settings = std::get<Settings>(read);
    REQUIRE(settings.scenario);
    std::vector<std::string> left_out;
    auto workload = workload_of(*settings.scenario, path, 1, left_out);
    REQUIRE(workload);
    CHECK(left_out.empty());
    for (WorkloadVm& vm : workload->vms) {
        vm.min_mem_bytes = settings.cmm.min_mem_mb * kMiB;
        vm.fixed_loan_bytes = settings.cmm.simulate_loan_target_kb.value_or(0) * kKiB;
    }
    return std::move(*workload);
}

Constants each_second() {
    Constants constants;
    constants.tick_s = 1;
    return constants;
}

// Policies that answer with what others set know nothing of who is down.
bool decides_itself(PolicyKind kind) {
    return kind != PolicyKind::cmm && kind != PolicyKind::fixed;
}

// What the policy made of it. Each promise that is broken fails the test, once.
std::string outcome_of(const Workload& workload, const PolicyChoice& choice,
                       const Constants& constants) {
    Outcome outcome(workload.length_s);
    Moment before;
    std::map<std::string, double> broken;
    const Contestant contestant{std::string(entry_of(choice.kind).name), choice};
    const auto result = run(workload, contestant, {}, constants, [&](const RunTick& tick) {
        Moment now = moment_of(workload, tick);
        for (const std::string& name : broken_promises(before, now))
            if (decides_itself(choice.kind) || name != "down left alone")
                broken.try_emplace(name, now.at_s);
        outcome.look(now);
        before = std::move(now);
    });
    REQUIRE(result);
    for (const auto& [name, at_s] : broken)
        FAIL_CHECK(workload.name << ", " << contestant.name << ": " << name << " at " << at_s
                                 << " s");
    return outcome.letters();
}

std::vector<std::string> cells_of(const std::string& line) {
    std::vector<std::string> cells;
    std::istringstream stream(line);
    std::string cell;
    while (std::getline(stream, cell, '|')) {
        std::string word;
        for (const char c : cell)
            if (c != ' ' && c != '`') word += c;
        cells.push_back(word);
    }
    if (!cells.empty()) cells.erase(cells.begin());  // before the first bar
    return cells;
}

// What docs/policies.md says: scenario -> policy -> letters.
std::map<std::string, std::map<std::string, std::string>> documented() {
    std::ifstream file(source_dir() + "/docs/policies.md");
    REQUIRE(file);
    std::map<std::string, std::map<std::string, std::string>> table;
    std::vector<std::string> columns;
    std::string line;
    while (std::getline(file, line)) {
        const auto cells = cells_of(line);
        if (cells.empty()) {
            columns.clear();
        } else if (cells[0] == "policy") {
            columns = cells;
        } else if (!columns.empty() && cells.size() == columns.size() && cells[0][0] != '-') {
            for (std::size_t i = 1; i < cells.size(); ++i)
                table[columns[i]][cells[0]] = cells[i] == "-" ? "" : cells[i];
        }
    }
    return table;
}

}  // namespace

TEST_CASE(
    "every policy does in every scenario what its documentation says, and never breaks the books") {
    const auto said = documented();
    std::string found;
    for (const PolicyEntry& entry : policy_catalogue()) {
        found += "| " + std::string(entry.name);
        for (const std::string& name : scenario_names()) {
            const std::string letters =
                outcome_of(scenario(name), default_choice(entry.kind), each_second());
            found += " | " + (letters.empty() ? "-" : letters);
            const auto column = said.find(name);
            if (column == said.end() || !column->second.contains(std::string(entry.name))) {
                FAIL_CHECK("docs/policies.md says nothing of " << entry.name << " in " << name);
                continue;
            }
            INFO(entry.name << " in " << name);
            CHECK(letters == column->second.at(std::string(entry.name)));
        }
        found += " |\n";
    }
    INFO("docs/policies.md should say:\n" << found);
    CHECK(said.size() == scenario_names().size());
}

TEST_CASE("squeezed keeps what is reserved where it goes by the controller's reserve") {
    PolicyChoice choice = default_choice(PolicyKind::squeezed);
    for (std::size_t i = 0; i < choice.numbers.size(); ++i)
        if (entry_of(choice.kind).parameters[i].name == "host_free_mib") choice.numbers[i] = 0;
    // It follows each MiB that guests begin to use, up and down.
    CHECK(outcome_of(scenario("start"), choice, each_second()) == "R");
}

TEST_CASE("the books hold where the host has no swap and kills guests") {
    Constants constants = each_second();
    constants.host_swap_share = 0.01;
    for (const PolicyEntry& entry : policy_catalogue())
        outcome_of(scenario("ideal"), default_choice(entry.kind), constants);
}
