#include "probe/reader_team.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>

#include <system_error>

namespace ballast::probe {

Result<std::unique_ptr<ReaderTeam>> ReaderTeam::start(const Options& options) {
    std::unique_ptr<ReaderTeam> team(new ReaderTeam(options.cpus));
    team->running_ = static_cast<unsigned>(options.cpus.size());
    try {
        for (unsigned reader = 0; reader < options.cpus.size(); ++reader)
            team->threads_.emplace_back([&team = *team, reader, background = options.background] {
                team.work(reader, background);
            });
    } catch (const std::system_error& error) {
        return fail(Errc::io, "starting a reader", error.code().value());
    }
    std::unique_lock lock(team->mutex_);
    team->changed_.wait(lock, [&] { return team->running_ == 0; });
    const int failed = team->failed_;
    lock.unlock();
    if (failed != 0)
        return fail(Errc::unsupported, "pinning readers to CPUs at low priority", failed);
    return team;
}

ReaderTeam::~ReaderTeam() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

Duration ReaderTeam::run(unsigned readers, const std::function<void(unsigned)>& job,
                         Duration patience, const std::function<void()>& give_up) {
    std::unique_lock lock(mutex_);
    job_ = &job;
    wanted_ = readers;
    running_ = readers;
    used_ = {};
    ++experiment_;
    changed_.notify_all();
    const auto over = [this] { return running_ == 0; };
    if (!changed_.wait_for(lock, patience, over)) {
        give_up();
        changed_.wait(lock, over);
    }
    job_ = nullptr;
    return used_;
}

void ReaderTeam::hurry() noexcept {
    const sched_param none{};
    for (std::thread& thread : threads_)
        pthread_setschedparam(thread.native_handle(), SCHED_OTHER, &none);
}

int ReaderTeam::prepare(unsigned reader, bool background) const {
    cpu_set_t* const set = CPU_ALLOC(static_cast<std::size_t>(cpus_[reader]) + 1);
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(cpus_[reader]) + 1);
    if (set == nullptr) return ENOMEM;
    CPU_ZERO_S(bytes, set);
    CPU_SET_S(static_cast<std::size_t>(cpus_[reader]), bytes, set);
    const int pinned = pthread_setaffinity_np(pthread_self(), bytes, set);
    CPU_FREE(set);
    if (pinned != 0 || !background) return pinned;
    const sched_param none{};
    return pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
}

void ReaderTeam::work(unsigned reader, bool background) {
    pthread_setname_np(pthread_self(), fmt::format("probe-{}", reader).c_str());
    const int prepared = prepare(reader, background);
    std::unique_lock lock(mutex_);
    if (prepared != 0) failed_ = prepared;
    if (--running_ == 0) changed_.notify_all();
    unsigned long long done = 0;
    Duration accounted = thread_cpu_time();
    for (;;) {
        changed_.wait(lock, [&] { return ending_ || (experiment_ != done && reader < wanted_); });
        if (ending_) return;
        done = experiment_;
        const auto& job = *job_;
        lock.unlock();
        job(reader);
        // With what it took to wake up, and to fall asleep the last time.
        const Duration now = thread_cpu_time();
        lock.lock();
        used_ += now - accounted;
        accounted = now;
        if (--running_ == 0) changed_.notify_all();
    }
}

}  // namespace ballast::probe
