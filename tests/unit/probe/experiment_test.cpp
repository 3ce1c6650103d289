#include "probe/experiment.h"

#include <mutex>
#include <thread>

#include "probe_fixture.h"

using namespace ballast;
using namespace ballast::probe;
using namespace ballast::probe::test;

namespace {

// Each thread's next reading is what the script says; the readings of a reader are, in order, the
// begin of its load, from, to, and the end of its load.
class ScriptedClock final : public Clock {
  public:
    explicit ScriptedClock(std::vector<std::int64_t> script) : script_(std::move(script)) {}
    Time now() const noexcept override {
        const std::lock_guard lock(mutex_);
        if (next_ < script_.size()) return Time(Duration(script_[next_++]));
        return Time(Duration(script_.back()));
    }
    WallTime wall_now() const noexcept override { return {}; }

  private:
    std::vector<std::int64_t> script_;
    mutable std::mutex mutex_;
    mutable std::size_t next_ = 0;
};

Experiment one_reader(const Clock& clock) {
    const auto team = two_readers();
    CountingScheme scheme;
    return run_experiment(*team, scheme, 1, {.loops = 10}, clock);
}

}  // namespace

TEST_CASE("a section takes and drops the reference exactly as often as is divided by") {
    const auto team = two_readers();
    CountingScheme scheme;
    const SystemClock clock;
    run_experiment(*team, scheme, 2, {.loops = 1000}, clock);
    for (unsigned reader : {0U, 1U}) CHECK(scheme.sections[reader] == scheme.calls[reader] * 1000);
    CHECK(scheme.calls[0] >= 2);  // warm and measured
}

TEST_CASE("a clean experiment gives each reader's duration") {
    const ScriptedClock clock({100, 200, 700, 800});
    const Experiment experiment = one_reader(clock);
    REQUIRE(experiment.took.size() == 1);
    CHECK(experiment.took[0] == Duration(500));
}

TEST_CASE("a duration that is negative or none is thrown away, never counted as 0") {
    const std::int64_t to = GENERATE(150, 200);
    const ScriptedClock clock({100, 200, to, 800});
    const Experiment experiment = one_reader(clock);
    CHECK_FALSE(experiment.took[0].has_value());
    CHECK(experiment.verdict == Verdict::no_duration);
    // A 0 in its place would be the fastest of all.
    const std::vector<std::optional<Duration>> as_zero{Duration(0)};
    CHECK(ns_per_section({.took = as_zero}, 10, Duration(0)) == 0);
}

TEST_CASE("each kind of disturbance is told apart, the gravest first") {
    std::vector<Reading> readings{clean_reading(), clean_reading()};
    readings[1].cpu_before = readings[1].cpu_after = 1;
    const std::vector<int> cpus{0, 1};
    CHECK(judge(readings, cpus) == Verdict::clean);
    SECTION("another reader had not begun") {
        readings[1].load_from = readings[0].from + Duration(100);
        CHECK(judge(readings, cpus) == Verdict::apart);
    }
    SECTION("another reader had ended") {
        readings[1].load_to = readings[0].to - Duration(100);
        CHECK(judge(readings, cpus) == Verdict::apart);
    }
    SECTION("a reader ran elsewhere") {
        readings[0].cpu_after = 1;
        CHECK(judge(readings, cpus) == Verdict::migrated);
    }
    SECTION("a reader was switched out") {
        readings[0].switches = 1;
        readings[0].cpu_after = 1;
        CHECK(judge(readings, cpus) == Verdict::switched);
    }
    SECTION("no time passed") {
        readings[1].to = readings[1].from;
        readings[1].switches = 1;
        CHECK(judge(readings, cpus) == Verdict::no_duration);
    }
    SECTION("it was given up") {
        readings[1].finished = false;
        readings[1].to = readings[1].from;
        CHECK(judge(readings, cpus) == Verdict::overdue);
    }
}

TEST_CASE("the cost of a section is that of all readers, less the clock's, over all sections") {
    const Experiment experiment{.took = {Duration(1020), Duration(3020)}};
    CHECK(ns_per_section(experiment, 100, Duration(20)) == Approx(20.0));
    CHECK(ns_per_section(experiment, 100, Duration(0)) == Approx(20.2));
    // Never below nothing.
    CHECK(ns_per_section({.took = {Duration(5)}}, 1, Duration(20)) == 0);
}

TEST_CASE("readers do not share cache lines in what they write") {
    CHECK(alignof(Reading) >= 128);
    CHECK(sizeof(Reading) % 128 == 0);
    const std::vector<Reading> readings(2);
    const auto address = [](const Reading& reading) {
        return reinterpret_cast<std::uintptr_t>(&reading);
    };
    CHECK(address(readings[0]) % 128 == 0);
    CHECK(address(readings[1]) - address(readings[0]) >= 128);
}

TEST_CASE("an experiment that takes too long is given up and counts as overdue") {
    // The first reader stays in its section until the second has been let go.
    class StuckScheme final : public Scheme {
      public:
        void enter(unsigned reader) override {
            if (reader == 1)
                while (!released) std::this_thread::yield();
        }
        void read_section(unsigned, std::uint32_t) override {}
        void delay_section(unsigned, std::uint32_t, const ReadDelay&) override {}
        void leave(unsigned reader) override {
            if (reader == 0) released = true;
        }
        std::atomic<bool> released{false};
    };
    const auto team = two_readers();
    StuckScheme scheme;
    const SystemClock clock;
    const Experiment experiment = run_experiment(
        *team, scheme, 2, {.loops = 1, .patience = std::chrono::milliseconds(1)}, clock);
    CHECK(experiment.verdict == Verdict::overdue);
}

TEST_CASE("a read delay is spent inside of each section") {
    const auto team = two_readers();
    CountingScheme scheme;
    const SystemClock clock;
    const Experiment experiment = run_experiment(
        *team, scheme, 1, {.loops = 100, .read_delay = std::chrono::microseconds(10)}, clock);
    if (experiment.took[0]) CHECK(*experiment.took[0] >= std::chrono::milliseconds(1));
}

TEST_CASE("what reading a clock costs is known") {
    CHECK(clock_cost(ScriptedClock({0})) == Duration(0));
    const SystemClock clock;
    CHECK(clock_cost(clock) > Duration(0));
    CHECK(clock_cost(clock) < std::chrono::milliseconds(1));
}
