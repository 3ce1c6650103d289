// What an experiment is run with: the kernel's refscale parameters, by their names.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace ballast::probe {

// As people give them; see check().
struct Parameters {
    std::string scale_type = "rcu";
    std::int64_t loops = 10'000;  // read sections in an experiment
    std::int64_t nreaders = -1;   // -1: 75 % of the CPUs
    std::int64_t nruns = 30;      // experiments
    std::int64_t readdelay = 0;   // inside a section, in ns
    std::int64_t holdoff = 0;     // before the first experiment, in s
    bool verbose = false;
};

// The same, fit to be run.
struct Plan {
    std::uint32_t loops = 0;
    unsigned readers = 0;
    std::uint32_t runs = 0;
    Duration read_delay{};
    Duration holdoff{};
};

// The kernel corrects what is out of range; this refuses it. `cpus` is how many readers can be
// pinned. Errors: invalid_argument, naming the parameter, what it is and what was expected. Pure.
Result<Plan> check(const Parameters& parameters, unsigned cpus);

// not_found's text for a scale type that there is not: the nearest, and all there are.
Error unknown_scale_type(const std::string& name);

// The CPUs that this process may run on. Errors: io.
Result<std::vector<int>> usable_cpus();

}  // namespace ballast::probe
