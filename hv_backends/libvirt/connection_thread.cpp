#include "hv_backends/libvirt/connection_thread.h"

#include <exception>

namespace ballast {
namespace {

// A clock for one who may outlive it: the machine's own takes its place.
class LentClock final : public Clock {
  public:
    explicit LentClock(const Clock& clock) : clock_(&clock) {}

    Time now() const noexcept override {
        const std::lock_guard lock(mutex_);
        return clock_->now();
    }
    WallTime wall_now() const noexcept override {
        const std::lock_guard lock(mutex_);
        return clock_->wall_now();
    }
    void give_back() noexcept {
        const std::lock_guard lock(mutex_);
        clock_ = &own_;
    }

  private:
    const SystemClock own_;
    mutable std::mutex mutex_;
    const Clock* clock_;  // guarded by mutex_
};

}  // namespace

// What the loop's thread and the thread that calls share.
struct ConnectionThread::State {
    using Call = std::function<Result<void>(State&)>;

    State(const ConnectionPlan& plan, std::unique_ptr<FunnelEnd> end, const Clock& time,
          std::shared_ptr<MeetingPoint> place)
        : meeting(std::move(place)), sink(std::move(end)), clock(time), backend(plan.make(clock)) {}

    const std::shared_ptr<MeetingPoint> meeting;
    const std::unique_ptr<FunnelEnd> sink;
    LentClock clock;
    // Its thread's while busy.
    std::unique_ptr<Backend> backend;
    Observation observed;
    std::condition_variable asked;
    // Guarded by the meeting point's mutex.
    Call call;
    bool ending = false;
    std::optional<Answer> answer;

    void run() {
        std::unique_lock lock(meeting->mutex);
        for (;;) {
            asked.wait(lock, [this] { return call != nullptr || ending; });
            if (ending) break;
            const Call next = std::exchange(call, nullptr);
            lock.unlock();
            Answer given = make(next);
            lock.lock();
            answer = std::move(given);
            meeting->answered.notify_all();
        }
        lock.unlock();
        backend->stop();
        backend.reset();
    }

    Answer make(const Call& next) {
        const Time began = clock.now();
        Answer given;
        try {
            given.result = next(*this);
        } catch (const std::exception& error) {
            given.result = fail(Errc::io, error.what());
        }
        given.took = clock.now() - began;
        return given;
    }
};

ConnectionThread::ConnectionThread(const ConnectionPlan& plan, std::unique_ptr<FunnelEnd> sink,
                                   const Clock& clock, std::shared_ptr<MeetingPoint> meeting,
                                   WorkerThreads& threads)
    : state_(std::make_shared<State>(plan, std::move(sink), clock, std::move(meeting))) {
    threads.start([state = state_] { state->run(); });
}

ConnectionThread::~ConnectionThread() {
    end();
    state_->clock.give_back();
}

void ConnectionThread::end() noexcept {
    {
        const std::lock_guard lock(state_->meeting->mutex);
        state_->ending = true;
    }
    state_->asked.notify_all();
}

void ConnectionThread::ask(std::function<Result<void>(State&)> call) {
    busy_ = true;
    {
        const std::lock_guard lock(state_->meeting->mutex);
        state_->call = std::move(call);
    }
    state_->asked.notify_all();
}

void ConnectionThread::ask_to_start() {
    observing_ = false;
    ask([](State& state) { return state.backend->start(*state.sink); });
}

void ConnectionThread::ask_to_observe() {
    observing_ = true;
    ask([](State& state) { return state.backend->observe(state.observed); });
}

bool ConnectionThread::answered() const noexcept {
    return state_->answer.has_value();
}

std::optional<ConnectionThread::Answer> ConnectionThread::take_answer() {
    std::optional<Answer> taken;
    {
        const std::lock_guard lock(state_->meeting->mutex);
        taken.swap(state_->answer);
    }
    if (!taken) return taken;
    busy_ = false;
    taken->observed = observing_;
    if (observing_ && taken->result) copy_observation();
    for (const auto& action : later_) action(*state_->backend);
    later_.clear();
    return taken;
}

// A copy, since the next observation may hang in the middle of the original.
void ConnectionThread::copy_observation() {
    const Observation& observed = state_->observed;
    const DomainTable& table = observed.domains;
    told_.at = observed.at;
    told_.host = observed.host;
    if (told_.domains.membership != table.membership || told_.domains.size() != table.size()) {
        told_.domains = table;
        return;
    }
    for (std::size_t row = 0; row < table.size(); ++row)
        told_.domains.copy_figures(row, table, row);
}

Backend* ConnectionThread::idle_backend() const noexcept {
    return busy_ ? nullptr : state_->backend.get();
}

void ConnectionThread::when_idle(std::function<void(Backend&)> action) {
    if (Backend* const backend = idle_backend())
        action(*backend);
    else
        later_.push_back(std::move(action));
}

}  // namespace ballast
