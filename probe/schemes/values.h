// Readers that copy or share a value, and those that do nothing at all.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "probe/scheme_of.h"

namespace ballast::probe {

// The loop alone; also RCU tasks, whose read sections have no markers.
struct Nothing {
    static NoToken lock(unsigned) { return {}; }
    static void unlock(unsigned, NoToken) {}
};

// Reads until no writer was at it meanwhile.
class SeqLock {
  public:
    std::uint64_t lock(unsigned) {
        for (;;) {
            const std::uint64_t before = sequence_.load(std::memory_order_acquire);
            // acquire: the sequence is read again after the value.
            const std::uint64_t value = value_.load(std::memory_order_acquire);
            if ((before & 1U) == 0 && sequence_.load(std::memory_order_relaxed) == before)
                return value;
        }
    }
    static void unlock(unsigned, std::uint64_t value) { asm volatile("" : : "r"(value)); }
    void update() {
        sequence_.fetch_add(1, std::memory_order_acquire);
        value_.store(value_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
        sequence_.fetch_add(1, std::memory_order_release);
    }

  private:
    alignas(128) std::atomic<std::uint64_t> sequence_{0};
    std::atomic<std::uint64_t> value_{0};
};

class SharedPointer {
  public:
    std::shared_ptr<std::uint64_t> lock(unsigned) { return value_; }
    static void unlock(unsigned, std::shared_ptr<std::uint64_t>) {}

  private:
    std::shared_ptr<std::uint64_t> value_ = std::make_shared<std::uint64_t>(0);
};

class AtomicSharedPointer {
  public:
    std::shared_ptr<std::uint64_t> lock(unsigned) { return value_.load(); }
    static void unlock(unsigned, std::shared_ptr<std::uint64_t>) {}
    void update() { value_.store(std::make_shared<std::uint64_t>(0)); }

  private:
    std::atomic<std::shared_ptr<std::uint64_t>> value_{std::make_shared<std::uint64_t>(0)};
};

// What it costs to read the wall clock: reference-free, and in everybody's way.
class WallClock {
  public:
    explicit WallClock(const Clock& clock) : clock_(clock) {}
    std::int64_t lock(unsigned) { return clock_.wall_now().time_since_epoch().count(); }
    static void unlock(unsigned, std::int64_t time) { asm volatile("" : : "r"(time)); }

  private:
    const Clock& clock_;
};

}  // namespace ballast::probe
