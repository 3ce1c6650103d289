// Readers that only store, ordered by a barrier that the updater makes everybody pass.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "base/membarrier.h"
#include "probe/scheme_of.h"

namespace ballast::probe {

// Hazard pointers: a reader announces what it reads, and looks whether it is still the newest.
class HazardPointers {
  public:
    static bool supported() { return has_membarrier(); }
    ~HazardPointers() { delete newest_.load(); }

    const std::uint64_t* lock(unsigned reader) {
        std::atomic<const std::uint64_t*>& hazard = hazards_[reader].pointer;
        const std::uint64_t* seen = newest_.load(std::memory_order_acquire);
        for (;;) {
            hazard.store(seen, std::memory_order_relaxed);
            // Partner: update()'s membarrier. Either the updater sees the announcement, or this
            // load sees what the updater stored.
            std::atomic_signal_fence(std::memory_order_seq_cst);
            const std::uint64_t* const again = newest_.load(std::memory_order_acquire);
            if (again == seen) return seen;
            seen = again;
        }
    }
    void unlock(unsigned reader, const std::uint64_t*) {
        hazards_[reader].pointer.store(nullptr, std::memory_order_release);
    }
    // Publishes a new value and frees the old one once nobody announces it.
    void update() {
        const std::unique_ptr<const std::uint64_t> old(
            newest_.exchange(new std::uint64_t(0), std::memory_order_acq_rel));
        membarrier_all_threads();
        for (const Hazard& hazard : hazards_)
            while (hazard.pointer.load(std::memory_order_acquire) == old.get())
                std::this_thread::yield();
    }

  private:
    struct alignas(128) Hazard {
        std::atomic<const std::uint64_t*> pointer{nullptr};
    };
    std::array<Hazard, Scheme::max_readers> hazards_{};
    alignas(128) std::atomic<const std::uint64_t*> newest_{new std::uint64_t(0)};
};

// RCU tasks trace: a reader keeps how deep it is nested, and when it leaves, reports the number of
// the grace period that asks for it. Follows rcu_read_lock_trace and rcu_read_unlock_trace.
class TasksTrace {
  public:
    static bool supported() { return has_membarrier(); }

    NoToken lock(unsigned reader) {
        std::atomic<std::uint32_t>& nesting = readers_[reader].nesting;
        nesting.store(nesting.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        std::atomic_signal_fence(std::memory_order_seq_cst);  // partner: update()'s membarrier
        return {};
    }
    void unlock(unsigned reader, NoToken) {
        Reader& self = readers_[reader];
        const std::uint32_t left = self.nesting.load(std::memory_order_relaxed) - 1;
        self.nesting.store(left, std::memory_order_release);
        // The nesting is stored before the question is read: an updater that asks, and makes all
        // pass a barrier, sees the store or is answered.
        std::atomic_signal_fence(std::memory_order_seq_cst);
        const std::uint64_t asked = asked_.load(std::memory_order_relaxed);
        // By number: an answer to an earlier question that is seen late says nothing of this one.
        if (left == 0 && self.reported.load(std::memory_order_relaxed) != asked)
            self.reported.store(asked, std::memory_order_release);
    }
    void update() {
        const std::uint64_t number = asked_.fetch_add(1) + 1;
        membarrier_all_threads();
        for (const Reader& reader : readers_)
            while (reader.nesting.load(std::memory_order_acquire) != 0 &&
                   reader.reported.load(std::memory_order_acquire) != number)
                std::this_thread::yield();
        membarrier_all_threads();
    }

  private:
    struct alignas(128) Reader {
        std::atomic<std::uint32_t> nesting{0};
        std::atomic<std::uint64_t> reported{0};
    };
    std::array<Reader, Scheme::max_readers> readers_{};
    alignas(128) std::atomic<std::uint64_t> asked_{0};
};

}  // namespace ballast::probe
