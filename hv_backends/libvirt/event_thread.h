// The thread that runs libvirt's event loop: callbacks, keepalive, timers.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "base/result.h"

namespace ballast {

// libvirt's loop belongs to the process, so all users share one thread; it ends with the last of
// them. Must exist before a connection is opened, and outlive it.
class EventThread {
  public:
    // Any thread. Also sets libvirt up for the process. Errors: io.
    static Result<std::shared_ptr<EventThread>> acquire();

    // Keeps libvirt's errors off standard error; ours reach the edge as Results. libvirt has one
    // place for that in a process, which another copy of this code may have taken or given up.
    static void silence_errors() noexcept;

    ~EventThread();
    EventThread(const EventThread&) = delete;
    EventThread& operator=(const EventThread&) = delete;

  private:
    explicit EventThread(int wake_timer);
    void run() noexcept;

    const int wake_timer_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace ballast
