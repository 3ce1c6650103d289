#include "controller/event_inbox.h"

namespace ballast {

void EventInbox::push(const Event& event) noexcept {
    {
        const std::scoped_lock lock(mutex_);
        queue_.push_back(event);
    }
    if (wake_) wake_();
}

bool EventInbox::pending() const noexcept {
    const std::scoped_lock lock(mutex_);
    return !queue_.empty();
}

void EventInbox::drain(std::vector<Event>& into) {
    into.clear();
    const std::scoped_lock lock(mutex_);
    queue_.swap(into);
}

}  // namespace ballast
