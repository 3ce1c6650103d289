#include "probe/parameters.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "probe/scheme.h"

namespace ballast::probe {
namespace {

// Longer than this, one experiment says nothing that a shorter one does not.
constexpr std::int64_t most_experiment_ns = 10'000'000'000;
constexpr std::int64_t most_runs = 100'000;
constexpr std::int64_t most_holdoff_s = 86'400;

Failure out_of_range(std::string_view name, std::int64_t value, std::string_view expected) {
    return fail(Errc::invalid_argument,
                fmt::format("{} is {}, expected {}", name, value, expected));
}

// 75 % of the CPUs as the kernel counts them, and one where that comes to none.
unsigned default_readers(unsigned cpus) {
    return std::max(1U, cpus / 2 + cpus / 4);
}

}  // namespace

Result<Plan> check(const Parameters& parameters, unsigned cpus) {
    const unsigned most_readers = std::min(cpus, Scheme::max_readers);
    if (parameters.nreaders != -1 &&
        (parameters.nreaders < 1 || parameters.nreaders > most_readers)) {
        return out_of_range(
            "nreaders", parameters.nreaders,
            fmt::format("1 to {} (each reader has a CPU of its own), or -1 for 75 % of the CPUs",
                        most_readers));
    }
    Plan plan;
    plan.readers = parameters.nreaders == -1 ? std::min(default_readers(cpus), most_readers)
                                             : static_cast<unsigned>(parameters.nreaders);
    const std::int64_t most_loops = std::numeric_limits<std::int32_t>::max() / plan.readers;
    if (parameters.loops < 1 || parameters.loops > most_loops)
        return out_of_range(
            "loops", parameters.loops,
            fmt::format("1 to {}: nreaders * loops has to fit into 31 bits", most_loops));
    if (parameters.nruns < 1 || parameters.nruns > most_runs)
        return out_of_range("nruns", parameters.nruns, fmt::format("1 to {}", most_runs));
    const std::int64_t most_delay = most_experiment_ns / parameters.loops;
    if (parameters.readdelay < 0 || parameters.readdelay > most_delay)
        return out_of_range("readdelay", parameters.readdelay,
                            fmt::format("0 to {} ns: {} loops have to end within 10 s", most_delay,
                                        parameters.loops));
    if (parameters.holdoff < 0 || parameters.holdoff > most_holdoff_s)
        return out_of_range("holdoff", parameters.holdoff,
                            fmt::format("0 to {} s", most_holdoff_s));
    plan.loops = static_cast<std::uint32_t>(parameters.loops);
    plan.runs = static_cast<std::uint32_t>(parameters.nruns);
    plan.read_delay = Duration(parameters.readdelay);
    plan.holdoff = std::chrono::seconds(parameters.holdoff);
    return plan;
}

Error unknown_scale_type(const std::string& name) {
    std::vector<std::string_view> names;
    for (const ScaleType& type : scale_types()) names.push_back(type.name);
    return {Errc::not_found,
            fmt::format("scale_type is '{}', expected one of: {}", name, fmt::join(names, " ")), 0};
}

Result<std::vector<int>> usable_cpus() {
    // Larger than any machine's: the kernel refuses sets that are smaller than its own.
    constexpr int most_cpus = 8192;
    cpu_set_t* const set = CPU_ALLOC(most_cpus);
    const std::size_t bytes = CPU_ALLOC_SIZE(most_cpus);
    if (set == nullptr) return fail(Errc::io, "finding the CPUs", ENOMEM);
    std::vector<int> cpus;
    const int failed = sched_getaffinity(0, bytes, set);
    const int error = errno;
    for (int cpu = 0; failed == 0 && cpu < most_cpus; ++cpu)
        if (CPU_ISSET_S(static_cast<unsigned>(cpu), bytes, set)) cpus.push_back(cpu);
    CPU_FREE(set);
    if (failed != 0) return fail(Errc::io, "finding the CPUs", error);
    return cpus;
}

}  // namespace ballast::probe
