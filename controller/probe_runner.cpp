#include "controller/probe_runner.h"

#include <pthread.h>
#include <sched.h>

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <system_error>

namespace ballast {
namespace {

// An experiment that takes longer is given up: it is not worth it.
constexpr Duration experiment_patience = std::chrono::milliseconds(20);
// Without so much room none is begun.
constexpr Duration least_room = std::chrono::milliseconds(5);
constexpr Duration look_again = std::chrono::milliseconds(20);

probe::Survey::Options survey_options(const ProbeRunner::Options& options, std::uint64_t number) {
    probe::Survey::Options survey;
    for (const probe::ScaleType& type : probe::scale_types()) survey.types.push_back(&type);
    survey.readers.resize(options.readers);
    std::iota(survey.readers.begin(), survey.readers.end(), 1U);
    survey.runs = options.runs;
    survey.section = {.loops = options.loops, .patience = experiment_patience};
    survey.seed = number;  // another order each time
    return survey;
}

}  // namespace

Result<std::unique_ptr<ProbeRunner>> ProbeRunner::start(const Clock& clock, Options options) {
    auto cpus = probe::usable_cpus();
    if (!cpus) return Failure(cpus.error());
    options.readers = std::min(options.readers, static_cast<unsigned>(cpus->size()));
    cpus->resize(options.readers);
    auto team = probe::ReaderTeam::start({.cpus = *cpus, .background = true});
    if (!team) return Failure(team.error());
    try {
        return std::unique_ptr<ProbeRunner>(
            new ProbeRunner(clock, std::move(options), std::move(*team)));
    } catch (const std::system_error& error) {
        return fail(Errc::io, fmt::format("cannot start the probe's thread: {}", error.what()));
    }
}

ProbeRunner::ProbeRunner(const Clock& clock, Options options,
                         std::unique_ptr<probe::ReaderTeam> team)
    : clock_(clock), options_(std::move(options)), team_(std::move(team)), thread_([this] {
          pthread_setname_np(pthread_self(), "probe");
          const sched_param none{};
          pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
          run();
      }) {}

ProbeRunner::~ProbeRunner() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    const sched_param none{};
    pthread_setschedparam(thread_.native_handle(), SCHED_OTHER, &none);
    team_->hurry();
    thread_.join();
}

// False: it ends.
bool ProbeRunner::pause(std::unique_lock<std::mutex>& lock, Duration span) {
    return !changed_.wait_for(lock, span, [this] { return ending_; });
}

void ProbeRunner::run() {
    // No two starts measure in the same order.
    auto number = static_cast<std::uint64_t>(clock_.wall_now().time_since_epoch().count());
    const auto begun = [&] {
        return std::make_unique<probe::Survey>(*team_, clock_, survey_options(options_, number));
    };
    auto survey = begun();
    std::unique_lock lock(mutex_);
    report_.enabled = true;
    Duration owed{};
    Duration accounted = thread_cpu_time();
    for (;;) {
        // Paid back by waiting, so that each second has its share at most.
        const double seconds = std::chrono::duration<double>(owed) /
                               std::chrono::duration<double>(options_.budget_per_s);
        if (!pause(lock,
                   std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds))))
            return;
        owed = {};
        while (options_.room() < least_room)
            if (!pause(lock, look_again)) return;
        lock.unlock();
        const bool more = survey->step();
        lock.lock();
        if (more) {
            const Duration now = thread_cpu_time();
            owed = survey->last_cpu_time() + (now - accounted);
            accounted = now;
            report_.cpu_time += owed;
            ++(survey->last_verdict() == probe::Verdict::clean ? report_.kept
                                                               : report_.thrown_away);
            continue;
        }
        lock.unlock();
        publish(*survey);
        ++number;
        survey = begun();
        lock.lock();
    }
}

void ProbeRunner::publish(const probe::Survey& survey) {
    std::vector<probe::Finding> findings = survey.findings();
    std::vector<probe::Row> rows = rows_of(findings, survey.wanted());
    const std::lock_guard lock(mutex_);
    findings_.swap(findings);
    report_.rows.swap(rows);
    report_.finished = clock_.wall_now();
    ++report_.surveys;
}

ProbeReport ProbeRunner::report(std::vector<probe::Finding>& findings) const {
    const std::lock_guard lock(mutex_);
    findings = findings_;
    return report_;
}

}  // namespace ballast
