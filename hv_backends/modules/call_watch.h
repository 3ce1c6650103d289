// What call into a module is running, and since when: a call that never returns is seen from
// outside.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace ballast {

class CallWatch {
  public:
    explicit CallWatch(const Clock& clock) : clock_(clock) {}

    struct Running {
        const char* call;  // a literal
        Duration lasts;
    };
    // Any thread.
    std::optional<Running> running() const noexcept {
        const char* const call = call_.load(std::memory_order_acquire);
        if (call == nullptr) return std::nullopt;
        // A call that began meanwhile has a later time: it seems shorter, never longer.
        return Running{call, clock_.now() - Time(Duration(began_ns_.load()))};
    }

    // One call, while it lives; one at a time.
    class Call {
      public:
        Call(CallWatch& watch, const char* call) noexcept : watch_(watch) {
            watch_.began_ns_.store(watch_.clock_.now().time_since_epoch().count());
            watch_.call_.store(call, std::memory_order_release);
        }
        ~Call() { watch_.call_.store(nullptr, std::memory_order_release); }
        Call(const Call&) = delete;
        Call& operator=(const Call&) = delete;

      private:
        CallWatch& watch_;
    };

  private:
    const Clock& clock_;
    std::atomic<const char*> call_{nullptr};
    std::atomic<std::int64_t> began_ns_{0};
};

}  // namespace ballast
