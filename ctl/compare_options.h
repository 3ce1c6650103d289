// What was asked of `ballastctl compare`, understood.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compare/grid.h"

namespace ballast::ctl {

// What everything that runs policies on a workload takes.
struct RunOptions {
    RunOptions();

    std::vector<std::string> changes;  // --set: POLICY.NUMBER=VALUE
    unsigned jobs;                     // as many as there are CPUs
    compare::Constants constants;
    bool tick_given = false;
    std::string report;  // the page to write; empty = none
};

// `ticks`: the time between two decisions where none is given, for people. --tick, --set, --model,
// --jobs, --samples (which means that for the command) and --report. `options` outlives `command`.
void add_run_options(CLI::App& command, RunOptions& options, const std::string& samples,
                     const std::string& ticks = "10s");
// The constants for --model, for a footer.
std::string constants_text();

// Reads "1.5,2" and "1:4:0.25" (from, to, step), also mixed: numbers from `least` to `most`, at
// most 1000 of them, sorted, each once. Errors: invalid_argument.
Result<std::vector<double>> parse_numbers(std::string_view text, double least, double most);

// The policies to compare: `static`, those named ("mom,ballast"; where none is, every one that
// decides by itself), the clairvoyant. `changes` are "POLICY.NUMBER=VALUE". A policy that can not
// do without a text is left out where nobody named it. Errors: invalid_argument.
Result<std::vector<compare::Contestant>> contestants_of(const std::string& names,
                                                        const std::vector<std::string>& changes,
                                                        const Workload& workload);
// The same, of those that are named alone; at least one has to be.
Result<std::vector<compare::Contestant>> contestants_named(const std::string& names,
                                                           const std::vector<std::string>& changes,
                                                           const Workload& workload);

}  // namespace ballast::ctl
