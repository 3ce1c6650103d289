// One connection's callbacks, registered for as long as this lives.
#pragma once

#include <memory>
#include <vector>

#include "hv_backends/libvirt/connection.h"
#include "hv_backends/libvirt/event_relay.h"

namespace ballast {

// A domain's key is its UUID. Errors cannot happen for a live handle; then the key is all zero.
DomainKey key_of(virDomainPtr domain) noexcept;

class EventSubscription {
  public:
    // Registers for everything the driver knows; what it does not know is left out. Callbacks
    // arrive on the event thread. `relay` outlives this too.
    EventSubscription(virConnectPtr connection, const std::shared_ptr<EventRelay>& relay);
    // Before the connection is closed. A callback that runs right now may still end later; it
    // holds the relay alive.
    ~EventSubscription();
    EventSubscription(const EventSubscription&) = delete;
    EventSubscription& operator=(const EventSubscription&) = delete;

  private:
    virConnectPtr connection_;
    std::vector<int> callbacks_;
    bool close_callback_ = false;
};

}  // namespace ballast
