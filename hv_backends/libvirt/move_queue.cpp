#include "hv_backends/libvirt/move_queue.h"

#include <fmt/format.h>
#include <libvirt/virterror.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <system_error>
#include <unordered_map>

#include "base/log.h"
#include "hv_backends/libvirt/books_metadata.h"
#include "hv_backends/libvirt/worker_connection.h"

namespace ballast {
namespace {

MoveOutcome failure(virDomainPtr domain, MoveOutcome outcome) {
    const int number = last_error_number();
    outcome.detail =
        libvirt_failure(outcome.of_books ? "keep the books" : "set the balloon").value().context;
    outcome.constraint = Constraint::backend_error;
    if (number == VIR_ERR_NO_DOMAIN || (domain != nullptr && virDomainIsActive(domain) == 0)) {
        outcome.gone = true;
    } else if (number == VIR_ERR_OPERATION_TIMEOUT || number == VIR_ERR_AGENT_UNRESPONSIVE) {
        outcome.waited = true;
        outcome.constraint = Constraint::stuck;
    } else if (number == VIR_ERR_OPERATION_INVALID) {
        // QEMU's answer for a domain whose balloon nobody serves.
        outcome.constraint = Constraint::no_driver;
    }
    return outcome;
}

int set_balloon(virDomainPtr domain, std::uint64_t kept_kib) {
    return virDomainSetMemoryFlags(domain, static_cast<unsigned long>(kept_kib),
                                   VIR_DOMAIN_AFFECT_LIVE);
}

int set_books(virDomainPtr domain, const std::optional<CarriedBooks>& books) {
    const std::string element = books ? books_element(*books) : std::string();
    return virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT,
                                books ? element.c_str() : nullptr, kBooksPrefix, kBooksNamespace,
                                VIR_DOMAIN_AFFECT_LIVE);
}

// Makes `call(domain)`, which answers 0 where it worked.
template <class Call>
MoveOutcome carry_out(WorkerConnection& worker, MoveOutcome outcome, Call call) {
    const auto connection = worker.get();
    if (!connection) {
        outcome.constraint = Constraint::backend_error;
        outcome.detail = connection.error().message();
        return outcome;
    }
    const DomainHandle domain(virDomainLookupByUUID(*connection, outcome.domain.uuid.data()));
    if (domain == nullptr || call(domain.get()) != 0)
        return failure(domain.get(), std::move(outcome));
    outcome.done = true;
    return outcome;
}

}  // namespace

// What the loop's thread and those that call share.
struct MoveQueue::State {
    State(const Clock& time, Options wanted) : clock(time), options(std::move(wanted)) {}

    // One domain that something is asked of.
    struct Work {
        // Asked, not begun.
        std::optional<std::uint64_t> wanted_kib;
        bool books_wanted = false;
        std::optional<CarriedBooks> books;
        std::optional<Time> since;  // of the call that runs
        bool moving = false;        // it sets the balloon
        bool told_overdue = false;

        bool waits() const noexcept { return wanted_kib.has_value() || books_wanted; }
    };

    bool is_overdue(const Work& one) const {
        return one.since && clock.now() - *one.since > options.overdue_after;
    }

    static void run(const std::shared_ptr<State>& state) {
        WorkerConnection worker(state->options.uri);
        std::unique_lock lock(state->mutex);
        for (;;) {
            state->changed.wait(lock, [&] { return state->ending || !state->ready.empty(); });
            if (state->ending) break;
            const DomainKey key = state->ready.front();
            state->ready.pop_front();
            Work& begun = state->work[key];
            begun.since = state->clock.now();
            begun.told_overdue = false;
            MoveOutcome outcome;
            outcome.domain = key;
            const auto kept_kib = std::exchange(begun.wanted_kib, std::nullopt);
            begun.moving = kept_kib.has_value();
            if (!begun.moving) {
                outcome.of_books = true;
                outcome.books = begun.books;
                begun.books_wanted = false;
            }
            ++state->busy;
            lock.unlock();
            outcome = carry_out(worker, outcome, [&](virDomainPtr domain) {
                return kept_kib ? set_balloon(domain, *kept_kib) : set_books(domain, outcome.books);
            });
            lock.lock();
            --state->busy;
            state->outcomes.push_back(std::move(outcome));
            Work& ended = state->work[key];
            ended.since.reset();
            if (ended.waits())
                state->ready.push_back(key);
            else
                state->work.erase(key);
        }
    }

    const Clock& clock;
    const Options options;
    std::mutex mutex;
    std::condition_variable changed;
    // All guarded by mutex.
    std::unordered_map<DomainKey, Work> work;
    std::deque<DomainKey> ready;  // each has something wanted and no call that runs
    std::vector<MoveOutcome> outcomes;
    unsigned threads = 0;
    unsigned busy = 0;
    bool ending = false;
};

MoveQueue::MoveQueue(const Clock& clock, Options options, WorkerThreads& threads)
    : threads_(threads), state_(std::make_shared<State>(clock, std::move(options))) {}

MoveQueue::~MoveQueue() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->ending = true;
    }
    state_->changed.notify_all();
}

// With the lock.
void MoveQueue::start_thread() {
    try {
        threads_.start([state = state_] { State::run(state); });
        ++state_->threads;
    } catch (const std::system_error& error) {
        // Those that are there do it later.
        log::warn("no further thread to set balloons: {}", error.what());
    }
}

void MoveQueue::ask(const DomainKey& domain, std::uint64_t kept_kib) {
    const std::lock_guard lock(state_->mutex);
    State::Work& asked = state_->work[domain];
    const bool queued = asked.waits() || asked.since;
    asked.wanted_kib = kept_kib;
    if (!queued) queue(domain);
}

void MoveQueue::ask_to_keep(const DomainKey& domain, const std::optional<CarriedBooks>& books) {
    const std::lock_guard lock(state_->mutex);
    State::Work& asked = state_->work[domain];
    const bool queued = asked.waits() || asked.since;
    asked.books_wanted = true;
    asked.books = books;
    if (!queued) queue(domain);
}

// With the lock.
void MoveQueue::queue(const DomainKey& domain) {
    State& state = *state_;
    state.ready.push_back(domain);
    const auto hanging = static_cast<unsigned>(
        std::count_if(state.work.begin(), state.work.end(),
                      [&](const auto& entry) { return state.is_overdue(entry.second); }));
    const unsigned wanted = std::min(state.options.threads + hanging, state.options.most_threads);
    if (state.threads < wanted && state.busy + state.ready.size() > state.threads) start_thread();
    state.changed.notify_one();
}

Duration MoveQueue::overdue(const DomainKey& domain) const {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->work.find(domain);
    if (found == state_->work.end() || !state_->is_overdue(found->second)) return Duration{0};
    return state_->clock.now() - *found->second.since;
}

void MoveQueue::take_overdue(std::vector<DomainKey>& into) {
    into.clear();
    const std::lock_guard lock(state_->mutex);
    for (auto& [domain, work] : state_->work)
        if (work.moving && state_->is_overdue(work) && !std::exchange(work.told_overdue, true))
            into.push_back(domain);
}

void MoveQueue::take_outcomes(std::vector<MoveOutcome>& into) {
    into.clear();
    const std::lock_guard lock(state_->mutex);
    std::swap(into, state_->outcomes);
}

}  // namespace ballast
