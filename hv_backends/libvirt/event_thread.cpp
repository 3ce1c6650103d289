#include "hv_backends/libvirt/event_thread.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <mutex>

#include "hv_backends/libvirt/connection.h"

namespace ballast {
namespace {

void swallow_error(void*, virErrorPtr) {}
void wake(int, void*) {}

int initialize_libvirt() {
    if (virInitialize() != 0) return -1;
    return virEventRegisterDefaultImpl();
}

}  // namespace

void EventThread::silence_errors() noexcept {
    virSetErrorFunc(nullptr, swallow_error);
}

Result<std::shared_ptr<EventThread>> EventThread::acquire() {
    silence_errors();
    static std::mutex mutex;
    static std::weak_ptr<EventThread> current;
    static const int initialized = initialize_libvirt();
    const std::lock_guard lock(mutex);
    if (auto running = current.lock()) return running;
    if (initialized != 0) return libvirt_failure("set up libvirt's event loop");
    // Off until the destructor arms it: it only serves to end the loop's wait.
    const int timer = virEventAddTimeout(-1, wake, nullptr, nullptr);
    if (timer < 0) return libvirt_failure("set up libvirt's event loop");
    std::shared_ptr<EventThread> made(new EventThread(timer));
    current = made;
    return made;
}

EventThread::EventThread(int wake_timer) : wake_timer_(wake_timer), thread_([this] { run(); }) {}

EventThread::~EventThread() {
    stopping_.store(true, std::memory_order_relaxed);  // the timer orders it before the wake-up
    virEventUpdateTimeout(wake_timer_, 0);
    thread_.join();
    virEventRemoveTimeout(wake_timer_);
    // This code may be unmapped next.
    virSetErrorFunc(nullptr, nullptr);
}

void EventThread::run() noexcept {
    while (!stopping_.load(std::memory_order_relaxed)) virEventRunDefaultImpl();
}

}  // namespace ballast
