// Configuration from a file: read, then validated, every problem at once.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "config/settings.h"

namespace ballast {

// One problem in a file. Lines and columns count from 1; 0 where a problem has no place.
struct ConfigProblem {
    int line = 0;
    int column = 0;
    std::string message;  // what was found, what was expected, the nearest valid key
};

// Ordered by place; never empty when a load fails.
struct ConfigProblems {
    std::string file;
    std::vector<ConfigProblem> items;
    // One line per problem: "file:line:column: message".
    std::vector<std::string> lines() const;
    // The same, each with its line feed.
    std::string text() const;
};

using ConfigResult = std::variant<Settings, ConfigProblems>;

// What is wrong with a policy's texts and numbers together; an error about a text begins with the
// text's name and a colon. Policies are not known here.
using PolicyCheck = Result<void> (*)(const PolicyChoice& choice);

// Reads and validates the regular file at `path`. A file of another kind, such as a FIFO, is a
// problem, and is not waited for. Without `check`, policies are checked against the catalogue
// alone. Never throws; blocks on the file.
ConfigResult load_config(const std::string& path, PolicyCheck check = nullptr);
// The same from text; `name` stands for the file in messages.
ConfigResult parse_config(std::string_view text, const std::string& name,
                          PolicyCheck check = nullptr);

}  // namespace ballast
