// What the API asks of the controller. Abstract so that the API can be tested without a loop.
#pragma once

#include <atomic>
#include <string>

#include "base/result.h"
#include "controller/loop.h"
#include "controller/operator_view.h"

namespace ballast {

// What a value was, and what it is now.
struct Change {
    std::string before;
    std::string after;
};

// Any thread. `domain` empty = all, or the default. What reads never waits; each other call waits
// for the loop's thread. Errors: those of Controller, and timed_out, unavailable, busy.
class Control {
  public:
    virtual ~Control() = default;
    // As of the last tick or change. Errors: not_found.
    virtual Result<std::string> get_attribute(const std::string& domain,
                                              const std::string& attribute) const = 0;
    virtual Result<Change> set_attribute(const std::string& domain, const std::string& attribute,
                                         const std::string& value) = 0;
    // Of the attribute `disable`.
    virtual Result<Change> disable(const std::string& domain, bool disabled) = 0;
    // Of the attribute `loaned_target_kb`.
    virtual Result<Change> release(const std::string& domain) = 0;
    // Controller::reserve, cancel_reservation and reservations.
    virtual Result<std::uint64_t> reserve(std::uint64_t bytes, const std::string& domain,
                                          Duration expires) = 0;
    // What it was.
    virtual Result<Reservation> cancel_reservation(std::uint64_t id) = 0;
    // As of the last tick or change.
    virtual ReservationList reservations() const = 0;
    // True once the daemon is told to stop; it gives back what was lent, and nothing else any more.
    // Does not wait.
    virtual bool stopping() const noexcept = 0;
};

// Reads what the controller published; runs the rest on the loop's thread, waiting for at most
// `timeout`. No more than kMaxWaiting callers
// wait at a time (others get busy), so that a loop that hangs cannot take every connection with it.
class LoopControl final : public Control {
  public:
    static constexpr int kMaxWaiting = 16;

    // Both outlive it.
    LoopControl(Loop& loop, const OperatorViews& views, Duration timeout)
        : loop_(loop), views_(views), timeout_(timeout) {}

    Result<std::string> get_attribute(const std::string& domain,
                                      const std::string& attribute) const override;
    Result<Change> set_attribute(const std::string& domain, const std::string& attribute,
                                 const std::string& value) override;
    Result<Change> disable(const std::string& domain, bool disabled) override;
    Result<Change> release(const std::string& domain) override;
    Result<std::uint64_t> reserve(std::uint64_t bytes, const std::string& domain,
                                  Duration expires) override;
    Result<Reservation> cancel_reservation(std::uint64_t id) override;
    ReservationList reservations() const override;
    bool stopping() const noexcept override { return loop_.stopping(); }

  private:
    template <class T, class Run>
    Result<T> on_loop(Run run);

    // Runs `make` and looks at the attribute before and after it.
    template <class Make>
    Result<Change> change(const std::string& domain, const std::string& attribute, Make make);

    Loop& loop_;
    const OperatorViews& views_;
    Duration timeout_;
    std::atomic<int> waiting_{0};
};

}  // namespace ballast
