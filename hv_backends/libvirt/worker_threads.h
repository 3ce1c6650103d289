// Threads that call libvirt, and so may hang for as long as libvirt does.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/clock.h"

namespace ballast {

// Where this code was loaded at run time, it is never unmapped from now on.
void keep_this_code_mapped() noexcept;

// One thread uses it.
class WorkerThreads {
  public:
    WorkerThreads() = default;
    WorkerThreads(const WorkerThreads&) = delete;
    WorkerThreads& operator=(const WorkerThreads&) = delete;
    // Lets go of those that have not ended.
    ~WorkerThreads() { static_cast<void>(join_all(Duration{0})); }

    // `body` owns what it uses. Throws std::system_error: no thread.
    void start(std::function<void()> body);
    // Waits for all, as long as that. False: some run on, unwatched; their code has to stay.
    bool join_all(Duration patience);

  private:
    struct Worker {
        std::shared_ptr<std::atomic<bool>> done;
        std::thread thread;
    };
    void join_those_done();
    std::vector<Worker> workers_;
};

}  // namespace ballast
