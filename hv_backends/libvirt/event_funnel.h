// Events of several connections on their way to one sink: of each domain, its own connection's
// alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "hv_backends/backend.h"
#include "hv_backends/libvirt/merged_domains.h"

namespace ballast {

// Any thread may call any method; each takes a short lock.
class EventFunnel {
  public:
    // Events go to `sink` until close() returns; without a sink they are dropped.
    void open(EventSink& sink);
    void close();

    // An event of that connection. The loss of a connection and its return get its URI in front of
    // their detail; what another connection tells of a domain that is not its own is dropped.
    void pass(std::size_t connection, const std::string& uri, const Event& event) noexcept;
    // Whose each domain is now. Where that changes, a pause, a migration or a hotplug that the old
    // connection told of, and whose end it will not tell any more, ends here.
    void set_owners(MergedDomains::Owners owners, Time now);

  private:
    void follow(const Event& event);
    void end_what_began(const DomainKey& domain, Time now);

    std::mutex mutex_;  // guards all below
    EventSink* sink_ = nullptr;
    MergedDomains::Owners owners_;
    std::unordered_map<DomainKey, std::uint8_t> begun_;  // and not ended
};

// One connection's end of the funnel.
class FunnelEnd final : public EventSink {
  public:
    FunnelEnd(std::shared_ptr<EventFunnel> funnel, std::size_t connection, std::string uri)
        : funnel_(std::move(funnel)), connection_(connection), uri_(std::move(uri)) {}
    void on_event(const Event& event) noexcept override { funnel_->pass(connection_, uri_, event); }

  private:
    const std::shared_ptr<EventFunnel> funnel_;
    const std::size_t connection_;
    const std::string uri_;
};

}  // namespace ballast
