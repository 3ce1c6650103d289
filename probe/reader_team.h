// Threads that read: one pinned to each CPU, asleep between experiments.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace ballast::probe {

// One thread uses it.
class ReaderTeam {
  public:
    struct Options {
        std::vector<int> cpus;    // a reader for each
        bool background = false;  // run only where nobody else wants to (SCHED_IDLE)
    };
    // Errors: unsupported (a thread cannot be pinned or put into the background), with errno; io.
    static Result<std::unique_ptr<ReaderTeam>> start(const Options& options);
    ~ReaderTeam();
    ReaderTeam(const ReaderTeam&) = delete;
    ReaderTeam& operator=(const ReaderTeam&) = delete;

    unsigned size() const noexcept { return static_cast<unsigned>(threads_.size()); }
    int cpu_of(unsigned reader) const noexcept { return cpus_[reader]; }

    // Runs job(reader) on the first `readers` of them at once and waits for all. After `patience`,
    // calls give_up() once and goes on waiting. Answers the processor time that it took.
    Duration run(unsigned readers, const std::function<void(unsigned)>& job, Duration patience,
                 const std::function<void()>& give_up);

    // From now on they run as anybody does: to end soon on a busy machine. Any thread.
    void hurry() noexcept;

  private:
    explicit ReaderTeam(std::vector<int> cpus) : cpus_(std::move(cpus)) {}
    void work(unsigned reader, bool background);
    int prepare(unsigned reader, bool background) const;

    const std::vector<int> cpus_;
    std::mutex mutex_;
    std::condition_variable changed_;
    // Guarded by mutex_.
    const std::function<void(unsigned)>* job_ = nullptr;
    unsigned wanted_ = 0;
    unsigned running_ = 0;
    unsigned long long experiment_ = 0;
    Duration used_{};
    int failed_ = 0;  // errno of preparing
    bool ending_ = false;

    std::vector<std::thread> threads_;
};

}  // namespace ballast::probe
