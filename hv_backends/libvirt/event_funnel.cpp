#include "hv_backends/libvirt/event_funnel.h"

#include <array>
#include <new>
#include <utility>

namespace ballast {
namespace {

// What lasts from one event to another.
struct Lasting {
    EventKind begins;
    EventKind ends;
    EventKind also_ends;
    std::uint8_t bit;
};
constexpr std::array<Lasting, 3> kLasting{{
    {EventKind::domain_paused, EventKind::domain_resumed, EventKind::domain_resumed, 1U << 0U},
    {EventKind::migration_began, EventKind::migration_ended, EventKind::migration_ended, 1U << 1U},
    {EventKind::hotplug_began, EventKind::hotplug_cancelled, EventKind::hotplug_ended, 1U << 2U},
}};

}  // namespace

void EventFunnel::open(EventSink& sink) {
    const std::lock_guard lock(mutex_);
    sink_ = &sink;
}

void EventFunnel::close() {
    const std::lock_guard lock(mutex_);
    sink_ = nullptr;
    owners_.clear();
    begun_.clear();
}

void EventFunnel::pass(std::size_t connection, const std::string& uri,
                       const Event& event) noexcept {
    const std::lock_guard lock(mutex_);
    if (sink_ == nullptr) return;
    if (event.kind == EventKind::backend_lost || event.kind == EventKind::backend_back) {
        Event named = event;
        named.detail = event.detail.empty() ? uri : uri + ": " + event.detail;
        sink_->on_event(named);
        return;
    }
    const auto owner = owners_.find(event.domain);
    if (owner != owners_.end() && owner->second != connection) return;
    follow(event);
    sink_->on_event(event);
}

void EventFunnel::follow(const Event& event) {
    for (const Lasting& lasting : kLasting) {
        if (event.kind == lasting.begins) begun_[event.domain] |= lasting.bit;
        if (event.kind != lasting.ends && event.kind != lasting.also_ends) continue;
        const auto found = begun_.find(event.domain);
        if (found == begun_.end()) continue;
        found->second = static_cast<std::uint8_t>(found->second & ~lasting.bit);
        if (found->second == 0) begun_.erase(found);
    }
}

void EventFunnel::end_what_began(const DomainKey& domain, Time now) {
    const auto found = begun_.find(domain);
    if (found == begun_.end()) return;
    for (const Lasting& lasting : kLasting) {
        if ((found->second & lasting.bit) == 0) continue;
        Event end;
        end.kind = lasting.ends;
        end.at = now;
        end.domain = domain;
        if (sink_ != nullptr) sink_->on_event(end);
    }
    begun_.erase(found);
}

void EventFunnel::set_owners(MergedDomains::Owners owners, Time now) {
    const std::lock_guard lock(mutex_);
    owners_.swap(owners);
    for (const auto& [domain, before] : owners) {
        const auto after = owners_.find(domain);
        if (after != owners_.end() && after->second != before) end_what_began(domain, now);
    }
    std::erase_if(begun_, [&](const auto& entry) { return !owners_.contains(entry.first); });
}

}  // namespace ballast
