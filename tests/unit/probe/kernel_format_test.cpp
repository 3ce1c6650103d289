// What `probe --format kernel` prints against what the kernel's module prints, worked out by hand
// from its messages in Linux 6.1: each is "%s" and "-ref-scale: " with the scale type, then
//   start       "--- Start of test:  verbose=... readdelay=..." and a newline, the parameters as
//               they were given
//   experiment  "%s" and a newline, for a text that has the experiment's number, a newline before
//               every fifth reader, a tab after each, and a newline at its end
//   end         "END OF TEST. ..." and a newline; then "%s" for a text that begins with a newline
#include "probe/kernel_format.h"

#include <catch2/catch.hpp>

using namespace ballast;
using namespace ballast::probe;

namespace {

Experiment experiment_of(std::initializer_list<std::int64_t> totals_ns) {
    Experiment experiment;
    for (const std::int64_t total : totals_ns) experiment.took.emplace_back(Duration(total));
    return experiment;
}

}  // namespace

TEST_CASE("a run of the kernel's module, byte for byte") {
    // insmod refscale.ko scale_type=rcu nruns=2 nreaders=2 loops=1000, on two CPUs.
    const std::string module_prints =
        "rcu-ref-scale: --- Start of test:  verbose=0 shutdown=0 holdoff=0 loops=1000 nreaders=2 "
        "nruns=2 readdelay=0\n"
        "rcu-ref-scale: Experiment #0 (Format: <THREAD-NUM>:<Total loop time in ns>)\n"
        "0: 2000\t1: 2501\t\n"
        "\n"
        "rcu-ref-scale: Experiment #1 (Format: <THREAD-NUM>:<Total loop time in ns>)\n"
        "0: 2004\t1: 2003\t\n"
        "\n"
        "rcu-ref-scale: END OF TEST. Calculating average duration per loop (nanoseconds)...\n"
        "rcu-ref-scale: \n"
        "Runs\tTime(ns)\n"
        "1\t2.250\n"  // 1000 * 4501 / 2000 = 2250, and the rest is cut off
        "2\t2.003\n";
    const Parameters parameters{.scale_type = "rcu", .loops = 1000, .nreaders = 2, .nruns = 2};
    CHECK(kernel_start(parameters) + kernel_experiment("rcu", 0, experiment_of({2000, 2501})) +
              kernel_experiment("rcu", 1, experiment_of({2004, 2003})) +
              kernel_end("rcu", {4501 / 2000.0, 4007 / 2000.0}) ==
          module_prints);
}

TEST_CASE("the kernel's start line has the parameters as they were given") {
    CHECK(kernel_start({.scale_type = "srcu",
                        .loops = 10,
                        .nreaders = -1,
                        .nruns = 3,
                        .readdelay = 7,
                        .holdoff = 5,
                        .verbose = true}) ==
          "srcu-ref-scale: --- Start of test:  verbose=1 shutdown=0 holdoff=5 loops=10 nreaders=-1 "
          "nruns=3 readdelay=7\n");
}

TEST_CASE("the kernel's experiment has five readers a line") {
    CHECK(kernel_experiment("lock", 12, experiment_of({9})) ==
          "lock-ref-scale: Experiment #12 (Format: <THREAD-NUM>:<Total loop time in ns>)\n"
          "0: 9\t\n\n");
    CHECK(kernel_experiment("lock", 0, experiment_of({1, 2, 3, 4, 5})) ==
          "lock-ref-scale: Experiment #0 (Format: <THREAD-NUM>:<Total loop time in ns>)\n"
          "0: 1\t1: 2\t2: 3\t3: 4\t4: 5\t\n\n");
    Experiment eleven = experiment_of({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
    eleven.took[10].reset();  // the module has no word for a reader without a total
    CHECK(kernel_experiment("rcu", 2, eleven) ==
          "rcu-ref-scale: Experiment #2 (Format: <THREAD-NUM>:<Total loop time in ns>)\n"
          "0: 1\t1: 2\t2: 3\t3: 4\t4: 5\t\n"
          "5: 6\t6: 7\t7: 8\t8: 9\t9: 10\t\n"
          "10: -\t\n\n");
}

TEST_CASE("the kernel's averages have three digits after the point, cut off") {
    CHECK(kernel_end("srcu", {12.3459, 0.5, 1000.0}) ==
          "srcu-ref-scale: END OF TEST. Calculating average duration per loop (nanoseconds)...\n"
          "srcu-ref-scale: \nRuns\tTime(ns)\n1\t12.345\n2\t0.500\n3\t1000.000\n");
}
