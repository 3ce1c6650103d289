// A thread that wakes readers, however many they are: the writer itself only nudges it.
#pragma once

#include <atomic>
#include <thread>

#include "bus/bus_file.h"

namespace ballast {

class Waker {
  public:
    // `file` outlives it. Throws std::system_error: no thread.
    explicit Waker(BusFile& file) : file_(file), thread_([this] { run(); }) {}
    ~Waker() {
        ending_ = true;
        nudge();
        thread_.join();
    }
    Waker(const Waker&) = delete;
    Waker& operator=(const Waker&) = delete;

    // Readers are woken soon. One system call at most; any thread.
    void nudge() noexcept {
        nudged_.store(1, std::memory_order_release);
        nudged_.notify_one();
    }

  private:
    void run() noexcept {
        while (!ending_) {
            nudged_.wait(0, std::memory_order_acquire);
            nudged_.store(0, std::memory_order_relaxed);
            file_.wake();
        }
    }

    BusFile& file_;
    std::atomic<std::uint32_t> nudged_{0};
    std::atomic<bool> ending_{false};
    std::thread thread_;
};

}  // namespace ballast
