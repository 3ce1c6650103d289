// Calls that concern one domain, on threads of their own: a guest that hangs keeps the call for it,
// and nothing else. One call a domain at a time; what is asked meanwhile is done next, the latest
// only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "hv_backends/libvirt/domain_facts.h"
#include "hv_backends/libvirt/worker_threads.h"
#include "model/books.h"
#include "model/constraint.h"
#include "model/domain.h"

namespace ballast {

// In the order in which they are made.
enum class CallKind : std::uint8_t {
    balloon,  // sets its size
    facts,    // reads the XML, and sees to it that statistics are collected often enough
    job,      // looks whether a job (of which a migration is one) runs
    books,    // keeps books with it
};

// How a call ended.
struct CallOutcome {
    DomainKey domain{};
    CallKind kind = CallKind::balloon;
    bool done = false;
    bool gone = false;    // not done: the domain is no longer there
    bool waited = false;  // not done: it kept libvirt waiting
    Constraint constraint = Constraint::none;
    std::string detail;  // for people; empty if done

    DomainFacts facts;                  // that were read
    std::string period_detail;          // why the period of statistics could not be set, if so
    bool job_runs = false;              //
    std::optional<CarriedBooks> books;  // that were to be kept
};

// The loop's thread calls everything.
class DomainCalls {
  public:
    struct Options {
        std::string uri;
        // Set on domains that have none or a longer one; 0 = leave alone.
        std::uint32_t stats_period_s = 0;
        unsigned threads = 4;  // while none hangs
        unsigned most_threads = 32;
        Duration overdue_after = std::chrono::seconds(3);
    };

    // `clock` and `threads` outlive it.
    DomainCalls(const Clock& clock, Options options, WorkerThreads& threads);
    // Lets go of calls that run: their threads end once they return. What was asked and had not
    // begun is not done.
    ~DomainCalls();
    DomainCalls(const DomainCalls&) = delete;
    DomainCalls& operator=(const DomainCalls&) = delete;

    // The guest is to keep that much, at most. Never blocks.
    void set_balloon(const DomainKey& domain, std::uint64_t kept_kib);
    // With `set_period` the period of statistics is set even where the XML says that it is short
    // enough: no statistics come by it. Never blocks.
    void read_facts(const DomainKey& domain, bool set_period = false);
    // Never blocks.
    void look_for_job(const DomainKey& domain);
    // These books are to be kept with it; nullopt: none any more. Never blocks.
    void keep_books(const DomainKey& domain, const std::optional<CarriedBooks>& books);

    // Until all facts that were asked for are read, but no longer than that.
    void wait_for_facts(Duration patience);
    // How long a call for it has been running, where that is longer than overdue_after; else 0.
    Duration overdue(const DomainKey& domain) const;
    // Domains whose balloon's call has become overdue since it was last asked.
    void take_overdue(std::vector<DomainKey>& into);
    // What has ended since it was last asked, replacing what is in `into`.
    void take_outcomes(std::vector<CallOutcome>& into);

  private:
    struct State;
    template <class Want>
    void ask(const DomainKey& domain, Want want);
    void queue(const DomainKey& domain);
    void start_thread();

    WorkerThreads& threads_;
    const std::shared_ptr<State> state_;
};

}  // namespace ballast
