#include "probe/kernel_format.h"

#include <fmt/format.h>

#include <cmath>

namespace ballast::probe {

std::string kernel_start(const Parameters& parameters) {
    return fmt::format(
        "{}-ref-scale: --- Start of test:  verbose={} shutdown=0 holdoff={} loops={} nreaders={} "
        "nruns={} readdelay={}\n",
        parameters.scale_type, parameters.verbose ? 1 : 0, parameters.holdoff, parameters.loops,
        parameters.nreaders, parameters.nruns, parameters.readdelay);
}

std::string kernel_experiment(const std::string& scale_type, std::size_t index,
                              const Experiment& experiment) {
    std::string text =
        fmt::format("{}-ref-scale: Experiment #{} (Format: <THREAD-NUM>:<Total loop time in ns>)",
                    scale_type, index);
    for (std::size_t reader = 0; reader < experiment.took.size(); ++reader) {
        if (reader % 5 == 0) text += '\n';
        const auto& took = experiment.took[reader];
        text +=
            took ? fmt::format("{}: {}\t", reader, took->count()) : fmt::format("{}: -\t", reader);
    }
    // The line's own end, and one more of the message.
    return text + "\n\n";
}

std::string kernel_end(const std::string& scale_type, const std::vector<double>& average_ns) {
    std::string text = fmt::format(
        "{}-ref-scale: END OF TEST. Calculating average duration per loop (nanoseconds)...\n"
        "{}-ref-scale: \n"
        "Runs\tTime(ns)\n",
        scale_type, scale_type);
    for (std::size_t run = 0; run < average_ns.size(); ++run) {
        // As the kernel does, cut off and not rounded.
        const auto ps = static_cast<unsigned long long>(std::floor(average_ns[run] * 1000.0));
        text += fmt::format("{}\t{}.{:03}\n", run + 1, ps / 1000, ps % 1000);
    }
    return text;
}

}  // namespace ballast::probe
