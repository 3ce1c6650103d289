// What the API asks of the controller. Abstract so that the API can be tested without a loop.
#pragma once

#include <atomic>
#include <string>

#include "base/result.h"
#include "controller/loop.h"

namespace ballast {

// Any thread; each call waits for the loop's thread. `domain` empty = all, or the default. Errors:
// those of Controller, and timed_out, unavailable, busy.
class Control {
  public:
    virtual ~Control() = default;
    virtual Result<std::string> get_attribute(const std::string& domain,
                                              const std::string& attribute) = 0;
    // Returns the value as it reads afterwards.
    virtual Result<std::string> set_attribute(const std::string& domain,
                                              const std::string& attribute,
                                              const std::string& value) = 0;
    virtual Result<void> disable(const std::string& domain, bool disabled) = 0;
    virtual Result<void> release(const std::string& domain) = 0;
    // Controller::reserve, cancel_reservation and reservations.
    virtual Result<std::uint64_t> reserve(std::uint64_t bytes, const std::string& domain,
                                          Duration expires) = 0;
    virtual Result<void> cancel_reservation(std::uint64_t id) = 0;
    virtual Result<ReservationList> reservations() = 0;
    // True once the daemon is told to stop; it gives back what was lent, and nothing else any more.
    // Does not wait.
    virtual bool stopping() const noexcept = 0;
};

// Runs each on the loop's thread, waiting for at most `timeout`. No more than kMaxWaiting callers
// wait at a time (others get busy), so that a loop that hangs cannot take every connection with it.
class LoopControl final : public Control {
  public:
    static constexpr int kMaxWaiting = 16;

    LoopControl(Loop& loop, Duration timeout) : loop_(loop), timeout_(timeout) {}

    Result<std::string> get_attribute(const std::string& domain,
                                      const std::string& attribute) override;
    Result<std::string> set_attribute(const std::string& domain, const std::string& attribute,
                                      const std::string& value) override;
    Result<void> disable(const std::string& domain, bool disabled) override;
    Result<void> release(const std::string& domain) override;
    Result<std::uint64_t> reserve(std::uint64_t bytes, const std::string& domain,
                                  Duration expires) override;
    Result<void> cancel_reservation(std::uint64_t id) override;
    Result<ReservationList> reservations() override;
    bool stopping() const noexcept override { return loop_.stopping(); }

  private:
    template <class T, class Run>
    Result<T> on_loop(Run run);

    Loop& loop_;
    Duration timeout_;
    std::atomic<int> waiting_{0};
};

}  // namespace ballast
