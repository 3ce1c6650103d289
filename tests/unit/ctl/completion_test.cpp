// Sources the bash completion with a ballastctl that lists two domains, and completes lines.
#include <catch2/catch.hpp>
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include "compare/run.h"
#include "tests/paths.h"

namespace {

// What `line` completes to; its last word is the one under the cursor.
std::vector<std::string> complete(const std::string& line) {
    const std::string script =
        "source '" + source_dir() +
        "/deploy/completions/ballastctl'\n"
        "ballastctl() { [[ \"$*\" == '--patience 0 domains --json' || \"$*\" == '--api /s "
        "--patience 0 domains --json' ]] && "
        "printf '%s\\n' '{' '  \"tick\": 1,' '    {' '      \"name\": \"db-1\",' "
        "'      \"constraint\": \"none\",' '    }' '      \"name\": \"web 2\",' "
        "'      \"name\": \"a\\\"b\",'; }\n"
        "compopt() { :; }\n"
        "COMP_WORDS=(" +
        line +
        "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
        "_ballastctl; printf '%s\\n' \"${COMPREPLY[@]}\"\n";
    FILE* pipe = ::popen(("bash --norc -c '" +
                          [&] {
                              std::string quoted;
                              for (const char c : script)
                                  quoted += c == '\'' ? "'\\''" : std::string(1, c);
                              return quoted;
                          }() +
                          "'")
                             .c_str(),
                         "r");
    REQUIRE(pipe != nullptr);
    std::string output;
    char part[4096];
    while (const std::size_t size = std::fread(part, 1, sizeof(part), pipe))
        output.append(part, size);
    CHECK(::pclose(pipe) == 0);
    std::vector<std::string> words;
    std::istringstream lines(output);
    for (std::string word; std::getline(lines, word);)
        if (!word.empty()) words.push_back(word);
    return words;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("bash completes commands, domains and attributes where they belong") {
    CHECK(complete("ballastctl rel") == Words{"release"});
    CHECK(complete("ballastctl probe --scale-type rcu-t") == Words{"rcu-tasks", "rcu-trace"});
    CHECK(complete("ballastctl --json st") == Words{"status"});
    CHECK(complete("ballastctl explain ''") == Words{"db-1", "web\\ 2"});
    CHECK(complete("ballastctl get d") == Words{"db-1"});
    CHECK(complete("ballastctl get db-1 oom_k") == Words{"oom_kb"});
    CHECK(complete("ballastctl set --default min") == Words{"min_mem_mb"});
    CHECK(complete("ballastctl --api /s disable d") == Words{"db-1"});
    CHECK(complete("ballastctl --api = /s disable d") == Words{"db-1"});
    CHECK(complete("ballastctl vectors q") == Words{"qmemman", "qubes"});
    CHECK(complete("ballastctl set db-1 oom_kb ''").empty());
    CHECK(complete("ballastctl status ''").empty());
    CHECK(complete("ballastctl release --a") == Words{"--api", "--all"});
}

TEST_CASE("bash completes every policy that can be compared") {
    Words policies{ballast::compare::kClairvoyant};
    for (const ballast::PolicyEntry& entry : ballast::policy_catalogue())
        policies.emplace_back(entry.name);
    for (const std::string& policy : policies)
        CHECK(complete("ballastctl compare --policies " + policy) == Words{policy});
    CHECK(complete("ballastctl replay --policy hyp") == Words{"hyperv"});
    CHECK(complete("ballastctl simulate --pol") == Words{"--policy"});
    CHECK(complete("ballastctl compare --pol") == Words{"--policies"});
}
