// A thread that wakes readers, however many they are: the writer itself only nudges it.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "bus/bus_file.h"

namespace ballast {

class Waker {
  public:
    // `file` outlives it. Throws std::system_error: no thread.
    explicit Waker(BusFile& file) : file_(file), thread_([this] { run(); }) {}
    ~Waker() {
        {
            const std::lock_guard lock(mutex_);
            ending_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }
    Waker(const Waker&) = delete;
    Waker& operator=(const Waker&) = delete;

    // Readers are woken soon. Any thread; the lock is held for a moment only.
    void nudge() noexcept {
        {
            const std::lock_guard lock(mutex_);
            nudged_ = true;
        }
        changed_.notify_one();
    }

  private:
    void run() noexcept {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [this] { return nudged_ || ending_; });
            if (ending_) return;
            nudged_ = false;
            lock.unlock();
            file_.wake();
            lock.lock();
        }
    }

    BusFile& file_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool nudged_ = false;  // guarded by mutex_
    bool ending_ = false;  // guarded by mutex_
    std::thread thread_;
};

}  // namespace ballast
