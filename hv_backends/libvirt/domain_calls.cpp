#include "hv_backends/libvirt/domain_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "base/log.h"
#include "hv_backends/libvirt/one_call.h"

namespace ballast {

// What the loop's thread and those that call share.
struct DomainCalls::State {
    State(const Clock& time, Options wanted) : clock(time), options(std::move(wanted)) {}

    // One domain that something is asked of.
    struct Work {
        // Asked, not begun.
        std::optional<std::uint64_t> wanted_kib;
        bool facts_wanted = false;
        bool period_wanted = false;
        bool job_wanted = false;
        bool books_wanted = false;
        std::optional<CarriedBooks> books;
        std::optional<Time> since;  // of the call that runs
        CallKind running = CallKind::balloon;
        bool told_overdue = false;

        bool waits() const noexcept {
            return wanted_kib.has_value() || facts_wanted || job_wanted || books_wanted;
        }
        bool facts_to_come() const noexcept {
            return facts_wanted || (since && running == CallKind::facts);
        }
        // The first that is wanted, and not wanted any more.
        OneCall take() noexcept {
            if (wanted_kib)
                return {.kind = CallKind::balloon,
                        .kept_kib = *std::exchange(wanted_kib, std::nullopt)};
            if (std::exchange(facts_wanted, false))
                return {.kind = CallKind::facts, .set_period = std::exchange(period_wanted, false)};
            if (std::exchange(job_wanted, false)) return {.kind = CallKind::job};
            books_wanted = false;
            return {.kind = CallKind::books, .books = books};
        }
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
            OneCall call = begun.take();
            call.domain = key;
            call.stats_period_s = state->options.stats_period_s;
            begun.running = call.kind;
            ++state->busy;
            lock.unlock();
            CallOutcome outcome = carry_out(worker, call);
            lock.lock();
            --state->busy;
            state->outcomes.push_back(std::move(outcome));
            Work& ended = state->work[key];
            ended.since.reset();
            if (ended.waits())
                state->ready.push_back(key);
            else
                state->work.erase(key);
            state->ended.notify_all();
        }
    }

    const Clock& clock;
    const Options options;
    std::mutex mutex;
    std::condition_variable changed;  // something is asked
    std::condition_variable ended;    // a call
    // All guarded by mutex.
    std::unordered_map<DomainKey, Work> work;
    std::deque<DomainKey> ready;  // each has something wanted and no call that runs
    std::vector<CallOutcome> outcomes;
    unsigned threads = 0;
    unsigned busy = 0;
    bool ending = false;
};

DomainCalls::DomainCalls(const Clock& clock, Options options, WorkerThreads& threads)
    : threads_(threads), state_(std::make_shared<State>(clock, std::move(options))) {}

DomainCalls::~DomainCalls() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->ending = true;
    }
    state_->changed.notify_all();
}

// With the lock.
void DomainCalls::start_thread() {
    try {
        threads_.start([state = state_] { State::run(state); });
        ++state_->threads;
    } catch (const std::system_error& error) {
        // Those that are there do it later.
        log::warn("no further thread to call libvirt: {}", error.what());
    }
}

template <class Want>
void DomainCalls::ask(const DomainKey& domain, Want want) {
    const std::lock_guard lock(state_->mutex);
    State::Work& asked = state_->work[domain];
    const bool queued = asked.waits() || asked.since;
    want(asked);
    if (!queued) queue(domain);
}

void DomainCalls::set_balloon(const DomainKey& domain, std::uint64_t kept_kib) {
    ask(domain, [&](State::Work& asked) { asked.wanted_kib = kept_kib; });
}

void DomainCalls::read_facts(const DomainKey& domain, bool set_period) {
    ask(domain, [set_period](State::Work& asked) {
        asked.facts_wanted = true;
        asked.period_wanted = asked.period_wanted || set_period;
    });
}

void DomainCalls::look_for_job(const DomainKey& domain) {
    ask(domain, [](State::Work& asked) { asked.job_wanted = true; });
}

void DomainCalls::keep_books(const DomainKey& domain, const std::optional<CarriedBooks>& books) {
    ask(domain, [&](State::Work& asked) {
        asked.books_wanted = true;
        asked.books = books;
    });
}

// With the lock.
void DomainCalls::queue(const DomainKey& domain) {
    State& state = *state_;
    state.ready.push_back(domain);
    const auto hanging = static_cast<unsigned>(
        std::count_if(state.work.begin(), state.work.end(),
                      [&](const auto& entry) { return state.is_overdue(entry.second); }));
    const unsigned wanted = std::min(state.options.threads + hanging, state.options.most_threads);
    if (state.threads < wanted && state.busy + state.ready.size() > state.threads) start_thread();
    state.changed.notify_one();
}

void DomainCalls::wait_for_facts(Duration patience) {
    std::unique_lock lock(state_->mutex);
    state_->ended.wait_for(lock, patience, [&] {
        return std::none_of(state_->work.begin(), state_->work.end(),
                            [](const auto& entry) { return entry.second.facts_to_come(); });
    });
}

Duration DomainCalls::overdue(const DomainKey& domain) const {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->work.find(domain);
    if (found == state_->work.end() || !state_->is_overdue(found->second)) return Duration{0};
    return state_->clock.now() - *found->second.since;
}

void DomainCalls::take_overdue(std::vector<DomainKey>& into) {
    into.clear();
    const std::lock_guard lock(state_->mutex);
    for (auto& [domain, work] : state_->work)
        if (work.running == CallKind::balloon && state_->is_overdue(work) &&
            !std::exchange(work.told_overdue, true))
            into.push_back(domain);
}

void DomainCalls::take_outcomes(std::vector<CallOutcome>& into) {
    into.clear();
    const std::lock_guard lock(state_->mutex);
    std::swap(into, state_->outcomes);
}

}  // namespace ballast
