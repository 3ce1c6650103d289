#include "probe/kernel_format.h"

#include <fmt/format.h>

#include <cmath>

namespace ballast::probe {

std::string kernel_start(const Parameters& parameters, const Plan& plan) {
    return fmt::format(
        "{}-ref-scale: --- Start of test:  verbose={} shutdown=0 holdoff={} loops={} nreaders={} "
        "nruns={} readdelay={}\n",
        parameters.scale_type, parameters.verbose ? 1 : 0, parameters.holdoff, plan.loops,
        plan.readers, plan.runs, plan.read_delay.count());
}

std::string kernel_experiment(std::size_t index, const Experiment& experiment) {
    std::string text =
        fmt::format("Experiment #{} (Format: <THREAD-NUM>:<Total loop time in ns>)", index);
    for (std::size_t reader = 0; reader < experiment.took.size(); ++reader) {
        if (reader % 5 == 0) text += '\n';
        const auto& took = experiment.took[reader];
        text +=
            took ? fmt::format("{}: {}\t", reader, took->count()) : fmt::format("{}: -\t", reader);
    }
    return text + "\n";
}

std::string kernel_end(const std::string& scale_type, const std::vector<double>& average_ns) {
    std::string text = fmt::format(
        "{}-ref-scale: END OF TEST. Calculating average duration per loop (nanoseconds)...\n"
        "Runs\tTime(ns)\n",
        scale_type);
    for (std::size_t run = 0; run < average_ns.size(); ++run) {
        // As the kernel does, cut off and not rounded.
        const auto ps = static_cast<unsigned long long>(std::floor(average_ns[run] * 1000.0));
        text += fmt::format("{}\t{}.{:03}\n", run + 1, ps / 1000, ps % 1000);
    }
    return text;
}

}  // namespace ballast::probe
