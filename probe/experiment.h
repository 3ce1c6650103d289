// One experiment: all readers at once, warm, measured, and under load until the last has finished.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "probe/meeting.h"
#include "probe/reader_team.h"
#include "probe/scheme.h"

namespace ballast::probe {

// What one reader saw. On lines of its own, so that readers do not slow each other down by it.
struct alignas(128) Reading {
    Time load_from{};  // when its warm-up began
    Time from{};       // the measured section
    Time to{};
    Time load_to{};             // when its cool-down ended
    std::int64_t switches = 0;  // times it was switched out against its will
    int cpu_before = -1;
    int cpu_after = -1;
    bool finished = false;
};

// Whether an experiment can be trusted, and if not, why.
enum class Verdict : std::uint8_t {
    clean,
    overdue,      // given up: it took too long
    no_duration,  // a clock went backwards: never counted as 0, which would win
    switched,     // a reader was switched out
    migrated,     // a reader ran on another CPU
    apart,        // a reader was measured while another was not at it
};
inline constexpr std::size_t verdict_count = 6;
std::string_view to_string(Verdict verdict) noexcept;

struct Experiment {
    Verdict verdict = Verdict::clean;
    std::vector<std::optional<Duration>> took;  // of each reader; nullopt: there is none
    Duration cpu_time{};                        // what it cost, all readers together
};

// ns for one section: the sum of the readers' durations over all their sections, less what reading
// the clock takes. 0 < loops; every duration is there.
double ns_per_section(const Experiment& experiment, std::uint32_t loops, Duration clock_cost);

// The median of what two readings of `clock` in a row differ by.
Duration clock_cost(const Clock& clock);

// How an experiment is run.
struct Section {
    std::uint32_t loops = 0;
    Duration read_delay{};
    Duration patience = std::chrono::seconds(60);  // then it is given up
};

// Judges what the readers saw. `cpus`: where each has to run. Pure.
Verdict judge(const std::vector<Reading>& readings, const std::vector<int>& cpus);
// The same readings as durations.
std::vector<std::optional<Duration>> durations(const std::vector<Reading>& readings);

namespace detail {

// Switches against its will of the calling thread, and where it runs.
std::int64_t own_switches() noexcept;
int own_cpu() noexcept;

}  // namespace detail

// The readers meet three times, at `Place`s: to start, warm, and finished. Follows
// ref_scale_reader.
template <class Place = Meeting>
Experiment run_experiment(ReaderTeam& team, Scheme& scheme, unsigned readers,
                          const Section& section, const Clock& clock) {
    std::vector<Reading> readings(readers);
    Place start(readers);
    Place warm(readers);
    Place finished(readers);
    std::atomic<bool> given_up{false};
    const ReadDelay delay(clock, section.read_delay);
    const auto read = [&](unsigned reader) {
        if (section.read_delay.count() > 0)
            scheme.delay_section(reader, section.loops, delay);
        else
            scheme.read_section(reader, section.loops);
    };
    const auto job = [&](unsigned reader) {
        Reading& seen = readings[reader];
        scheme.enter(reader);
        // Once it is given up, nothing more is measured.
        bool together = start.wait(given_up, [] {});
        const std::int64_t switches = detail::own_switches();
        seen.cpu_before = detail::own_cpu();
        seen.load_from = clock.now();
        if (together) read(reader);
        together = together && warm.wait(given_up, [&] { read(reader); });
        seen.from = clock.now();
        if (together) read(reader);
        seen.to = clock.now();
        together = together && finished.wait(given_up, [&] { read(reader); });
        seen.load_to = clock.now();
        seen.cpu_after = detail::own_cpu();
        seen.switches = detail::own_switches() - switches;
        seen.finished = together;
        scheme.leave(reader);
    };
    Experiment experiment;
    experiment.cpu_time = team.run(readers, job, section.patience, [&] { given_up = true; });
    std::vector<int> cpus;
    for (unsigned reader = 0; reader < readers; ++reader) cpus.push_back(team.cpu_of(reader));
    experiment.took = durations(readings);
    experiment.verdict = judge(readings, cpus);
    return experiment;
}

// What one update costs.
struct Update {
    Verdict verdict = Verdict::clean;
    double ns = 0;  // 0 unless clean
    Duration cpu_time{};
};

// `updates` of them on one reader's thread, with nobody else inside; given up after `patience`.
Update measure_update(ReaderTeam& team, Scheme& scheme, std::uint32_t updates, Duration patience,
                      const Clock& clock, Duration clock_cost);

}  // namespace ballast::probe
