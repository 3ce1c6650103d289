// Reads all domains' statistics in one call, and does not wait for ever: a guest whose QEMU hangs
// holds up the call that reaches it first, and no other.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "hv_backends/libvirt/connection.h"
#include "hv_backends/libvirt/worker_threads.h"

namespace ballast {

struct BulkRecords {
    StatsHandle records;
    int count = 0;
};

// The loop's thread only. Its calls run on threads of its own.
class BulkReader {
  public:
    // `threads` outlives it.
    BulkReader(std::string uri, Duration deadline, WorkerThreads& threads);
    // Does not wait for a call that hangs.
    ~BulkReader();
    BulkReader(const BulkReader&) = delete;
    BulkReader& operator=(const BulkReader&) = delete;

    // Blocks for twice the deadline at most. A call that does not return by then is given up; the
    // domain that it waits for is then busy, which the next call is told to pass over (NOWAIT).
    // Errors: those of libvirt_failure(); timed_out.
    Result<BulkRecords> read();
    // Calls that were given up and have not returned.
    std::size_t hanging() noexcept;

  private:
    struct Job;
    Result<BulkRecords> ask(bool& timed_out);
    void give_up();

    const std::string uri_;
    const Duration deadline_;
    WorkerThreads& threads_;
    std::shared_ptr<Job> job_;  // of the thread that serves us
    std::vector<std::weak_ptr<Job>> given_up_;
};

}  // namespace ballast
