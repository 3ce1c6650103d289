// A reader-writer semaphore whose waiters sleep in the kernel. Follows down_read, up_read,
// down_write and up_write: one count, in which a waiting writer keeps new readers out.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

namespace ballast::probe {

// A SharedLockable. Any thread; not recursive.
class RwSemaphore {
  public:
    void lock_shared() noexcept {
        // acquire: partner of unlock()'s release.
        const std::uint32_t before = count_.fetch_add(one_reader, std::memory_order_acquire);
        if ((before & writer) != 0) wait_for_writer();
    }
    void unlock_shared() noexcept {
        // release: partner of lock()'s acquire loads.
        const std::uint32_t left = count_.fetch_sub(one_reader, std::memory_order_release);
        if (left == (writer | one_reader)) count_.notify_all();
    }
    void lock() noexcept {
        writers_.lock();
        std::uint32_t now = count_.fetch_or(writer, std::memory_order_acquire) | writer;
        while (now != writer) {
            count_.wait(now, std::memory_order_relaxed);
            now = count_.load(std::memory_order_acquire);
        }
    }
    void unlock() noexcept {
        count_.fetch_and(~writer, std::memory_order_release);
        count_.notify_all();
        writers_.unlock();
    }

  private:
    static constexpr std::uint32_t writer = 1;
    static constexpr std::uint32_t one_reader = 2;

    // Takes the reader's count back until the writer has left.
    void wait_for_writer() noexcept {
        std::uint32_t seen = 0;
        do {
            unlock_shared();
            seen = count_.load(std::memory_order_relaxed);
            while ((seen & writer) != 0) {
                count_.wait(seen, std::memory_order_relaxed);
                seen = count_.load(std::memory_order_relaxed);
            }
            seen = count_.fetch_add(one_reader, std::memory_order_acquire);
        } while ((seen & writer) != 0);
    }

    std::atomic<std::uint32_t> count_{0};
    std::mutex writers_;
};

}  // namespace ballast::probe
