#include "hv_backends/libvirt/event_subscription.h"

#include <algorithm>
#include <string_view>

#include "hv_backends/libvirt/stats_sample.h"

namespace ballast {
namespace {

using RelayHolder = std::shared_ptr<EventRelay>;

EventRelay& relay_of(void* opaque) noexcept {
    return **static_cast<RelayHolder*>(opaque);
}
void free_holder(void* opaque) {
    delete static_cast<RelayHolder*>(opaque);
}

void send(EventRelay& relay, virDomainPtr domain, EventKind kind, std::string detail = {}) {
    Event event;
    event.kind = kind;
    event.domain = key_of(domain);
    event.detail = std::move(detail);
    relay.send(std::move(event));
}

int on_lifecycle(virConnectPtr, virDomainPtr domain, int type, int /*detail*/, void* opaque) {
    EventRelay& relay = relay_of(opaque);
    const DomainKey key = key_of(domain);
    switch (type) {
        case VIR_DOMAIN_EVENT_STARTED:
            relay.note(key, Note::Kind::changed);
            send(relay, domain, EventKind::domain_came);
            break;
        case VIR_DOMAIN_EVENT_STOPPED:
            send(relay, domain, EventKind::domain_went);
            break;
        case VIR_DOMAIN_EVENT_SUSPENDED:
        case VIR_DOMAIN_EVENT_PMSUSPENDED:
            relay.note(key, Note::Kind::paused);
            send(relay, domain, EventKind::domain_paused);
            break;
        case VIR_DOMAIN_EVENT_RESUMED:
            relay.note(key, Note::Kind::resumed);
            send(relay, domain, EventKind::domain_resumed);
            break;
        default:  // defined, undefined, shutting down, crashed: the next observation tells
            relay.note(key, Note::Kind::changed);
            break;
    }
    return 0;
}

void on_balloon(virConnectPtr, virDomainPtr domain, unsigned long long actual_kib, void* opaque) {
    EventRelay& relay = relay_of(opaque);
    Event event;
    event.kind = EventKind::balloon_changed;
    event.domain = key_of(domain);
    StatsSample sample;
    sample.current_kib = actual_kib;
    DomainFacts facts;
    // Without virtio-mem, unlike the same figure elsewhere.
    facts.maximum_bytes = relay.ballooned(event.domain);
    if (facts.maximum_bytes != 0) event.loaned_bytes = memory_figures(sample, facts).loaned_bytes;
    relay.send(std::move(event));
}

void on_reboot(virConnectPtr, virDomainPtr domain, void* opaque) {
    EventRelay& relay = relay_of(opaque);
    relay.note(key_of(domain), Note::Kind::rebooted);
    send(relay, domain, EventKind::guest_rebooted);
}

// libvirt's own aliases of devices that are memory; nullptr comes with broken events. The events
// that tell of additions name the memory behind the device: "memdimm0" where others say "dimm0".
bool is_memory(const char* alias) noexcept {
    std::string_view name(alias == nullptr ? "" : alias);
    constexpr std::string_view kBehind = "mem";
    if (name.starts_with(kBehind)) name.remove_prefix(kBehind.size());
    constexpr std::string_view kPrefixes[] = {"dimm", "nvdimm", "virtiomem", "virtiopmem"};
    return std::any_of(std::begin(kPrefixes), std::end(kPrefixes),
                       [name](std::string_view prefix) { return name.starts_with(prefix); });
}

// libvirt tells the end of a hotplug only: began and ended come together, which starts the
// controller's hotplug_delay.
void device_changed(void* opaque, virDomainPtr domain, const char* alias, EventKind end) {
    EventRelay& relay = relay_of(opaque);
    relay.note(key_of(domain), Note::Kind::changed);
    if (!is_memory(alias)) return;
    send(relay, domain, EventKind::hotplug_began, alias);
    send(relay, domain, end, alias);
}
void on_device_added(virConnectPtr, virDomainPtr domain, const char* alias, void* opaque) {
    device_changed(opaque, domain, alias, EventKind::hotplug_ended);
}
void on_device_removed(virConnectPtr, virDomainPtr domain, const char* alias, void* opaque) {
    device_changed(opaque, domain, alias, EventKind::hotplug_ended);
}
void on_removal_failed(virConnectPtr, virDomainPtr domain, const char* alias, void* opaque) {
    device_changed(opaque, domain, alias, EventKind::hotplug_cancelled);
}

// A virtio-mem device grows or shrinks in steps, and tells each.
void on_memory_size_changed(virConnectPtr connection, virDomainPtr domain, const char* alias,
                            unsigned long long /*size_kib*/, void* opaque) {
    on_device_added(connection, domain, alias, opaque);
}

void on_migration_iteration(virConnectPtr, virDomainPtr domain, int iteration, void* opaque) {
    // Each pass over the memory has one; the first tells that a migration began.
    if (iteration != 1) return;
    EventRelay& relay = relay_of(opaque);
    relay.note(key_of(domain), Note::Kind::migration_began);
    send(relay, domain, EventKind::migration_began);
}

void on_job_completed(virConnectPtr, virDomainPtr domain, virTypedParameterPtr parameters,
                      int count, void* opaque) {
    int operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;
    virTypedParamsGetInt(parameters, count, VIR_DOMAIN_JOB_OPERATION, &operation);
    if (operation != VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT) return;
    EventRelay& relay = relay_of(opaque);
    relay.note(key_of(domain), Note::Kind::migration_ended);
    send(relay, domain, EventKind::migration_ended);
}

void on_close(virConnectPtr, int reason, void* opaque) {
    if (reason == VIR_CONNECT_CLOSE_REASON_CLIENT) return;  // we did it
    static_cast<EventRelay*>(opaque)->report_lost(reason == VIR_CONNECT_CLOSE_REASON_KEEPALIVE
                                                      ? "libvirt stopped answering"
                                                      : "libvirt closed the connection");
}

struct Callback {
    virDomainEventID id;
    virConnectDomainEventGenericCallback function;
};

template <class Function>
Callback callback(virDomainEventID id, Function function) noexcept {
    // libvirt's own way (VIR_DOMAIN_EVENT_CALLBACK): it calls with the type that `id` implies.
    return {id, reinterpret_cast<virConnectDomainEventGenericCallback>(
                    reinterpret_cast<void (*)()>(function))};
}

}  // namespace

DomainKey key_of(virDomainPtr domain) noexcept {
    DomainKey key;
    static_assert(sizeof key.uuid == VIR_UUID_BUFLEN);
    virDomainGetUUID(domain, key.uuid.data());
    return key;
}

EventSubscription::EventSubscription(virConnectPtr connection,
                                     const std::shared_ptr<EventRelay>& relay)
    : connection_(connection) {
    const Callback callbacks[] = {
        callback(VIR_DOMAIN_EVENT_ID_LIFECYCLE, on_lifecycle),
        callback(VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, on_balloon),
        callback(VIR_DOMAIN_EVENT_ID_REBOOT, on_reboot),
        callback(VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, on_device_added),
        callback(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, on_device_removed),
        callback(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, on_removal_failed),
        callback(VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE, on_memory_size_changed),
        callback(VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION, on_migration_iteration),
        callback(VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, on_job_completed),
    };
    for (const Callback& wanted : callbacks) {
        auto holder = std::make_unique<RelayHolder>(relay);
        const int id = virConnectDomainEventRegisterAny(connection, nullptr, wanted.id,
                                                        wanted.function, holder.get(), free_holder);
        if (id < 0) continue;
        holder.release();  // libvirt's now
        callbacks_.push_back(id);
    }
    // No holder here: drivers without this callback take it and never free it. libvirt holds a lock
    // while it calls, so that none runs once the destructor has unregistered it.
    close_callback_ =
        virConnectRegisterCloseCallback(connection, on_close, relay.get(), nullptr) == 0;
}

EventSubscription::~EventSubscription() {
    if (close_callback_) virConnectUnregisterCloseCallback(connection_, on_close);
    for (const int id : callbacks_) virConnectDomainEventDeregisterAny(connection_, id);
}

}  // namespace ballast
