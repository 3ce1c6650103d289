#include "hv_backends/libvirt/event_relay.h"

#include <algorithm>
#include <utility>

namespace ballast {

void EventRelay::attach(EventSink& sink) {
    const std::lock_guard lock(mutex_);
    sink_ = &sink;
}

void EventRelay::detach() {
    const std::lock_guard lock(mutex_);
    sink_ = nullptr;
    told_lost_ = false;
    notes_.clear();
}

void EventRelay::send(Event event) noexcept {
    const std::lock_guard lock(mutex_);
    send_locked(std::move(event));
}

void EventRelay::send_locked(Event&& event) noexcept {
    if (sink_ == nullptr) return;
    event.at = clock_.now();
    sink_->on_event(event);
}

void EventRelay::report_lost(const std::string& why) noexcept {
    const std::lock_guard lock(mutex_);
    if (lost_) return;
    lost_ = true;
    told_lost_ = sink_ != nullptr;
    Event event;
    event.kind = EventKind::backend_lost;
    event.detail = why;
    send_locked(std::move(event));
}

void EventRelay::report_connected() noexcept {
    const std::lock_guard lock(mutex_);
    lost_ = false;
    if (!std::exchange(told_lost_, false)) return;
    Event event;
    event.kind = EventKind::backend_back;
    send_locked(std::move(event));
}

bool EventRelay::lost() const noexcept {
    const std::lock_guard lock(mutex_);
    return lost_;
}

void EventRelay::note(const DomainKey& domain, Note::Kind kind) noexcept {
    const std::lock_guard lock(mutex_);
    notes_.push_back({domain, kind});
}

void EventRelay::take_notes(std::vector<Note>& into) noexcept {
    into.clear();
    const std::lock_guard lock(mutex_);
    std::swap(into, notes_);
}

bool EventRelay::noted(const DomainKey& domain, Note::Kind kind) const noexcept {
    const std::lock_guard lock(mutex_);
    return std::any_of(notes_.begin(), notes_.end(), [&](const Note& note) {
        return note.domain == domain && note.kind == kind;
    });
}

void EventRelay::set_ballooned(const DomainKey& domain, std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    if (bytes == 0)
        ballooned_.erase(domain);
    else
        ballooned_[domain] = bytes;
}

std::uint64_t EventRelay::ballooned(const DomainKey& domain) const {
    const std::lock_guard lock(mutex_);
    const auto found = ballooned_.find(domain);
    return found == ballooned_.end() ? 0 : found->second;
}

}  // namespace ballast
