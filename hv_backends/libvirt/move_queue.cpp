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
#include "hv_backends/libvirt/worker_connection.h"

namespace ballast {
namespace {

MoveOutcome failure(virDomainPtr domain, MoveOutcome outcome) {
    const int number = last_error_number();
    outcome.detail = libvirt_failure("set the balloon").value().context;
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

MoveOutcome move(WorkerConnection& worker, const DomainKey& key, std::uint64_t kept_kib) {
    MoveOutcome outcome;
    outcome.domain = key;
    const auto connection = worker.get();
    if (!connection) {
        outcome.constraint = Constraint::backend_error;
        outcome.detail = connection.error().message();
        return outcome;
    }
    const DomainHandle domain(virDomainLookupByUUID(*connection, key.uuid.data()));
    if (domain == nullptr) return failure(nullptr, std::move(outcome));
    const auto kib = static_cast<unsigned long>(kept_kib);
    if (virDomainSetMemoryFlags(domain.get(), kib, VIR_DOMAIN_AFFECT_LIVE) != 0)
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
        std::optional<std::uint64_t> wanted_kib;  // asked, not begun
        std::optional<Time> since;                // of the call that runs
        bool told_overdue = false;
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
            const std::uint64_t kept_kib = *std::exchange(begun.wanted_kib, std::nullopt);
            begun.since = state->clock.now();
            begun.told_overdue = false;
            ++state->busy;
            lock.unlock();
            MoveOutcome outcome = move(worker, key, kept_kib);
            lock.lock();
            --state->busy;
            state->outcomes.push_back(std::move(outcome));
            Work& ended = state->work[key];
            ended.since.reset();
            if (ended.wanted_kib)
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
    State& state = *state_;
    const std::lock_guard lock(state.mutex);
    State::Work& asked = state.work[domain];
    const bool queued = asked.wanted_kib.has_value();
    asked.wanted_kib = kept_kib;
    if (queued || asked.since) return;
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
        if (state_->is_overdue(work) && !std::exchange(work.told_overdue, true))
            into.push_back(domain);
}

void MoveQueue::take_outcomes(std::vector<MoveOutcome>& into) {
    into.clear();
    const std::lock_guard lock(state_->mutex);
    std::swap(into, state_->outcomes);
}

}  // namespace ballast
