// One of several connections: its backend, and a thread for the calls that may hang.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hv_backends/backend.h"
#include "hv_backends/libvirt/event_funnel.h"
#include "hv_backends/libvirt/worker_threads.h"

namespace ballast {

// How one connection is made.
struct ConnectionPlan {
    std::string uri;
    bool local = false;  // leads to the machine we run on
    // A backend of that connection alone. The clock outlives it.
    std::function<std::unique_ptr<Backend>(const Clock&)> make;
};

// Where the loop's thread waits for all connections' threads.
struct MeetingPoint {
    std::mutex mutex;
    std::condition_variable answered;
};

// The loop's thread only. The backend is its thread's from ask() until the answer is taken, and
// the loop's for the rest of the time: no lock is held during calls into it.
class ConnectionThread {
  public:
    struct Answer {
        Result<void> result;
        Duration took{};
        bool observed = false;  // to ask_to_observe()
    };

    // `clock` and `threads` outlive this. Throws std::system_error: no thread.
    ConnectionThread(const ConnectionPlan& plan, std::unique_ptr<FunnelEnd> sink,
                     const Clock& clock, std::shared_ptr<MeetingPoint> meeting,
                     WorkerThreads& threads);
    // end(); a thread that goes on without us does not use the clock any more.
    ~ConnectionThread();
    ConnectionThread(const ConnectionThread&) = delete;
    ConnectionThread& operator=(const ConnectionThread&) = delete;

    // A call on its thread. Not while busy.
    void ask_to_start();
    void ask_to_observe();
    // Whether a call was asked for whose answer has not been taken.
    bool busy() const noexcept { return busy_; }
    // With the meeting point's mutex held: whether there is an answer to take.
    bool answered() const noexcept;
    // nullopt: there is none yet.
    std::optional<Answer> take_answer();

    // What the last observation that succeeded told; without rows before.
    const Observation& told() const noexcept { return told_; }
    // nullptr while busy.
    Backend* idle_backend() const noexcept;
    // At once, or when it is idle again.
    void when_idle(std::function<void(Backend&)> action);

    // Does not wait: the thread stops and destroys the backend, and ends, once its call returns.
    void end() noexcept;

  private:
    struct State;
    void ask(std::function<Result<void>(State&)> call);
    void copy_observation();

    const std::shared_ptr<State> state_;
    bool busy_ = false;
    bool observing_ = false;
    Observation told_;
    std::vector<std::function<void(Backend&)>> later_;
};

}  // namespace ballast
