// Sets balloons, and what is kept with domains, on threads of its own: a guest that hangs keeps the
// call for it, and nothing else. One call a domain at a time; what is asked meanwhile is done next,
// the latest only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "hv_backends/libvirt/worker_threads.h"
#include "model/books.h"
#include "model/constraint.h"
#include "model/domain.h"

namespace ballast {

// How a call ended.
struct MoveOutcome {
    DomainKey domain{};
    bool done = false;
    bool gone = false;    // not done: the domain is no longer there
    bool waited = false;  // not done: it kept libvirt waiting
    Constraint constraint = Constraint::none;
    std::string detail;  // for people; empty if done
    // Not a balloon: these books were to be kept with it.
    bool of_books = false;
    std::optional<CarriedBooks> books;
};

// The loop's thread calls everything.
class MoveQueue {
  public:
    struct Options {
        std::string uri;
        unsigned threads = 4;  // while none hangs
        unsigned most_threads = 32;
        Duration overdue_after = std::chrono::seconds(3);
    };

    // `clock` and `threads` outlive it.
    MoveQueue(const Clock& clock, Options options, WorkerThreads& threads);
    // Lets go of calls that run: their threads end once they return. What was asked and had not
    // begun is not done.
    ~MoveQueue();
    MoveQueue(const MoveQueue&) = delete;
    MoveQueue& operator=(const MoveQueue&) = delete;

    // The guest is to keep that much, at most. Never blocks.
    void ask(const DomainKey& domain, std::uint64_t kept_kib);
    // These books are to be kept with it; nullopt: none any more. Never blocks.
    void ask_to_keep(const DomainKey& domain, const std::optional<CarriedBooks>& books);
    // How long a call for it has been running, where that is longer than overdue_after; else 0.
    Duration overdue(const DomainKey& domain) const;
    // Domains whose balloon's call has become overdue since it was last asked.
    void take_overdue(std::vector<DomainKey>& into);
    // What has ended since it was last asked, replacing what is in `into`.
    void take_outcomes(std::vector<MoveOutcome>& into);

  private:
    struct State;
    void queue(const DomainKey& domain);
    void start_thread();

    WorkerThreads& threads_;
    const std::shared_ptr<State> state_;
};

}  // namespace ballast
