// Tries a module out in a process of its own, so that one that crashes, hangs or answers nonsense
// does it there.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "hv_backends/modules/module_backend.h"
#include "hv_backends/modules/module_file.h"

namespace ballast {

// What the trying process does: maps the file, makes an instance, starts it, observes once (unless
// its hypervisor is not there), stops and unmakes it. `at` hears the name of each step before it is
// done. Errors: those of the steps.
Result<void> run_trial(const ModuleFile& file, const ModuleConfig& config, const Clock& clock,
                       const std::function<void(const char* step)>& at);

// The same by another process, as one line of standard output for each step ("at observe") and one
// for the outcome ("passed", or "failed CODE TEXT"). Answers an exit status.
int report_trial(const ModuleFile& file, const ModuleConfig& config, const Clock& clock);

struct TrialProgram {
    // A program that calls report_trial, and what else it is given before the path.
    std::vector<std::string> command;
    std::string input;  // what it reads on standard input
    Duration patience = std::chrono::seconds(20);
};

// Runs the program on `path` and waits for it. Errors: bad_data (it crashed, in which step, by
// which signal), timed_out (which step did not return), and those of run_trial.
Result<void> try_module(const TrialProgram& program, const std::string& path);

}  // namespace ballast
