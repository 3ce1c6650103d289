// Several connections as one backend: each is observed on a thread of its own, and one that hangs
// or is lost holds up its own domains alone.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "hv_backends/libvirt/connection_thread.h"

namespace ballast {

struct SeveralOptions {
    // How long the connections that answer are held up by one that does not, once: as long as one
    // of them waits for a guest that hangs, and a little for the second attempt.
    Duration deadline = std::chrono::milliseconds(2500);
    // How long stop() waits for their threads.
    Duration letting_go = std::chrono::seconds(5);
    // Waits until `outstanding` is zero or the deadline has passed. Tests have another.
    using Wait =
        std::function<void(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                           const std::function<std::size_t()>& outstanding)>;
    Wait wait;  // empty: the deadline's
};

// One backend at least; their capabilities are the first one's. `clock` outlives it.
//
// A connection that has not answered by the deadline is late: it is not waited for any more until
// it answers within the deadline again. Its domains stay in the table, unanswered, with the figures
// it told last; so do those of a connection that is lost, until it answers without them. observe()
// fails where no connection answers. A domain that moves between two of the hosts keeps its row.
//
// Memory of several hosts does not add up: the host's figures are those of the first local
// connection that answered, else unknown.
std::unique_ptr<Backend> make_several_connections(std::vector<ConnectionPlan> plans,
                                                  const SeveralOptions& options,
                                                  const Clock& clock);

}  // namespace ballast
