#include "probe/experiment.h"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>

#include "base/statistics.h"

namespace ballast::probe {
namespace {

// So much of a reader's window the others have to be at it as well.
constexpr double enough_overlap = 0.99;

// The share of `one`'s measured section in which `other` was under load too.
double overlap(const Reading& one, const Reading& other) {
    const Duration both = std::min(one.to, other.load_to) - std::max(one.from, other.load_from);
    return std::chrono::duration<double>(both) / std::chrono::duration<double>(one.to - one.from);
}

}  // namespace

std::string_view to_string(Verdict verdict) noexcept {
    switch (verdict) {
        case Verdict::clean:
            return "clean";
        case Verdict::overdue:
            return "overdue";
        case Verdict::no_duration:
            return "no duration";
        case Verdict::switched:
            return "switched out";
        case Verdict::migrated:
            return "migrated";
        case Verdict::apart:
            return "apart";
    }
    return "unknown";
}

std::vector<std::optional<Duration>> durations(const std::vector<Reading>& readings) {
    std::vector<std::optional<Duration>> took;
    for (const Reading& reading : readings) {
        const bool valid = reading.finished && reading.to > reading.from;
        took.push_back(valid ? std::optional(reading.to - reading.from) : std::nullopt);
    }
    return took;
}

Verdict judge(const std::vector<Reading>& readings, const std::vector<int>& cpus) {
    for (const Reading& reading : readings)
        if (!reading.finished) return Verdict::overdue;
    for (const Reading& reading : readings)
        if (reading.to <= reading.from) return Verdict::no_duration;
    for (const Reading& reading : readings)
        if (reading.switches != 0) return Verdict::switched;
    for (std::size_t reader = 0; reader < readings.size(); ++reader)
        if (readings[reader].cpu_before != cpus[reader] ||
            readings[reader].cpu_after != cpus[reader])
            return Verdict::migrated;
    for (const Reading& one : readings)
        for (const Reading& other : readings)
            if (&one != &other && overlap(one, other) < enough_overlap) return Verdict::apart;
    return Verdict::clean;
}

double ns_per_section(const Experiment& experiment, std::uint32_t loops, Duration clock_cost) {
    Duration sum{};
    for (const std::optional<Duration>& took : experiment.took)
        sum += std::max(*took - clock_cost, Duration{0});
    return static_cast<double>(sum.count()) /
           (static_cast<double>(loops) * static_cast<double>(experiment.took.size()));
}

Duration clock_cost(const Clock& clock) {
    std::vector<double> differences;
    for (int i = 0; i < 1001; ++i) {
        const Time before = clock.now();
        differences.push_back(static_cast<double>((clock.now() - before).count()));
    }
    return Duration(static_cast<Duration::rep>(spread_of(std::move(differences)).median));
}

std::int64_t detail::own_switches() noexcept {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nivcsw;
}

int detail::own_cpu() noexcept {
    return sched_getcpu();
}

Update measure_update(ReaderTeam& team, Scheme& scheme, std::uint32_t updates, Duration patience,
                      const Clock& clock, Duration clock_cost) {
    Update update;
    std::atomic<bool> given_up{false};
    const auto job = [&](unsigned reader) {
        scheme.enter(reader);
        scheme.update();  // warm
        const std::int64_t switches = detail::own_switches();
        const Time from = clock.now();
        for (std::uint32_t left = updates; left > 0 && !given_up; --left) scheme.update();
        const Duration took = clock.now() - from - clock_cost;
        if (given_up)
            update.verdict = Verdict::overdue;
        else if (took.count() <= 0)
            update.verdict = Verdict::no_duration;
        else if (detail::own_switches() != switches)
            update.verdict = Verdict::switched;
        else
            update.ns = static_cast<double>(took.count()) / updates;
        scheme.leave(reader);
    };
    update.cpu_time = team.run(1, job, patience, [&] { given_up = true; });
    return update;
}

}  // namespace ballast::probe
