// Events on their way from any thread to the loop's.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "model/event.h"

namespace ballast {

class EventInbox {
  public:
    // Any thread; takes a short lock. Never loses an event: if memory runs out, the process ends.
    void push(const Event& event) noexcept;
    bool pending() const noexcept;
    // Loop's thread: exchanges the queue with `into` (cleared first), oldest first.
    void drain(std::vector<Event>& into);
    // Called after each push, from the pushing thread; set before events can arrive.
    void on_push(std::function<void()> wake) { wake_ = std::move(wake); }

  private:
    mutable std::mutex mutex_;
    std::vector<Event> queue_;  // guarded by mutex_
    std::function<void()> wake_;
};

}  // namespace ballast
