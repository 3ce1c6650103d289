// Time enters the project here and nowhere else.
#pragma once

#include <chrono>

namespace ballast {

using Duration = std::chrono::nanoseconds;

// As a number, for people and for calculations.
constexpr double seconds_of(Duration duration) noexcept {
    return std::chrono::duration<double>(duration).count();
}

// Names the time line of Time; not a std Clock, so nobody can ask it for "now" behind our back.
struct BallastTimeline {};

// A point on the monotonic time line of a Clock.
using Time = std::chrono::time_point<BallastTimeline, Duration>;
using WallTime = std::chrono::system_clock::time_point;

// Any thread may call; no method blocks or fails.
class Clock {
  public:
    virtual ~Clock() = default;
    // Monotonic: never goes back.
    virtual Time now() const noexcept = 0;
    // Wall-clock time, for people and for files; may jump.
    virtual WallTime wall_now() const noexcept = 0;
};

// The machine's clocks (CLOCK_MONOTONIC and CLOCK_REALTIME).
class SystemClock final : public Clock {
  public:
    Time now() const noexcept override;
    WallTime wall_now() const noexcept override;
};

// Processor time that the calling thread has used; for budgets.
Duration thread_cpu_time() noexcept;

}  // namespace ballast
