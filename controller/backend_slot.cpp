#include "controller/backend_slot.h"

#include <fmt/format.h>

#include <mutex>
#include <utility>

#include "base/log.h"

namespace ballast {

// Events of a backend that is not in charge wait until it is, or are dropped with it.
class BackendSlot::Sink final : public EventSink {
  public:
    Sink(EventSink& next, bool open) : next_(next), open_(open) {}

    void on_event(const Event& event) noexcept override {
        const std::lock_guard guard(lock_);
        if (open_) return next_.on_event(event);
        try {
            waiting_.push_back(event);
        } catch (const std::bad_alloc&) {
            // The next observation shows what came of it.
        }
    }
    void hold() {
        const std::lock_guard guard(lock_);
        open_ = false;
    }
    void open() {
        const std::lock_guard guard(lock_);
        open_ = true;
        for (const Event& event : waiting_) next_.on_event(event);
        waiting_.clear();
    }

  private:
    EventSink& next_;
    std::mutex lock_;
    bool open_;                   // guarded by lock_
    std::vector<Event> waiting_;  // guarded by lock_
};

void BackendSlot::Seat::vacate() noexcept {
    if (!lease) return;
    lease.backend().stop();
    sink.reset();
    lease = ModuleLease();
}

BackendSlot::BackendSlot() {
    none_.name = "none";
    none_.description = "no backend is loaded";
}

std::optional<ModuleRegistry::Handle> BackendSlot::handle() const noexcept {
    if (!current_) return std::nullopt;
    return ModuleRegistry::handle_of(current_.lease);
}

void BackendSlot::charge_changed() noexcept {
    ++generation_;
    in_charge_ = current_ ? current_.lease.module()->generation : 0;
}

BackendSlot::~BackendSlot() {
    stop();
}

Result<void> BackendSlot::start(Seat& seat, bool in_charge) {
    seat.sink = std::make_unique<Sink>(*sink_, in_charge);
    return seat.backend().start(*seat.sink);
}

Result<void> BackendSlot::fill(ModuleLease lease) {
    if (current_) return fail(Errc::busy, "another backend is in charge");
    current_.lease = std::move(lease);
    charge_changed();
    if (sink_ == nullptr) return {};
    auto started = start(current_, true);
    // One that is not there yet is waited for.
    if (!started && started.error().code != Errc::unavailable) {
        current_.vacate();
        charge_changed();
        return started;
    }
    current_.backend().adopt(left_loans_);
    return {};
}

Result<void> BackendSlot::propose(ModuleLease lease, Done done) {
    if (done_) return fail(Errc::busy, "another backend is taking over already");
    if (!current_ || sink_ == nullptr) return fail(Errc::refused, "there is no backend to replace");
    candidate_.lease = std::move(lease);
    if (auto started = start(candidate_, false); !started) {
        candidate_.vacate();
        return with_context(started.error(), "the new backend did not start, the old one goes on");
    }
    done_ = std::move(done);
    return {};
}

void BackendSlot::decide(Result<void> outcome) {
    if (const Done done = std::exchange(done_, nullptr)) done(std::move(outcome));
}

void BackendSlot::withdraw() {
    if (!candidate_) return;
    candidate_.vacate();
    decide(fail(Errc::refused, "given up; the old backend goes on"));
}

std::vector<Loan> BackendSlot::loans_of(const DomainTable& domains) {
    std::vector<Loan> loans(domains.size());
    for (std::size_t row = 0; row < loans.size(); ++row)
        loans[row] = {domains.key[row], domains.loaned_bytes[row]};
    return loans;
}

void BackendSlot::end_probation() {
    failed_apply_.clear();
    if (!previous_) return;
    previous_.vacate();
    decide({});
}

void BackendSlot::clear() {
    withdraw();
    end_probation();
    // For the one that comes next.
    Observation last;
    if (current_ && sink_ != nullptr && current_.backend().observe(last))
        left_loans_ = loans_of(last.domains);
    current_.vacate();
    charge_changed();
}

const Capabilities& BackendSlot::capabilities() const noexcept {
    return current_ ? current_.backend().capabilities() : none_;
}

Result<void> BackendSlot::start(EventSink& sink) {
    sink_ = &sink;
    if (!current_) return {};
    return start(current_, true);
}

void BackendSlot::stop() noexcept {
    withdraw();
    end_probation();
    if (current_) current_.backend().stop();
    sink_ = nullptr;
}

// The new backend has had its first tick: the old one goes, or comes back.
void BackendSlot::settle_probation() {
    if (!previous_) return;
    const std::string failed = std::exchange(failed_apply_, {});
    if (failed.empty()) {
        previous_.vacate();
        decide({});
        return;
    }
    std::swap(current_, previous_);
    charge_changed();
    previous_.vacate();
    current_.sink->open();
    log::warn("the new backend failed in its first tick, the old one goes on: {}", failed);
    decide(fail(Errc::bad_data,
                "the new backend failed in its first tick, the old one goes on: " + failed));
}

// `into` holds what was observed last. False: the new one failed, and is gone.
bool BackendSlot::take_over(Observation& into) {
    candidate_.backend().adopt(loans_of(into.domains));
    if (auto observed = candidate_.backend().observe(into); !observed) {
        candidate_.vacate();
        log::warn("the new backend failed its first observation, the old one goes on: {}",
                  observed.error().message());
        decide(with_context(observed.error(),
                            "the new backend failed its first observation, the old one goes on"));
        return false;
    }
    current_.sink->hold();
    previous_ = std::exchange(current_, std::exchange(candidate_, Seat()));
    charge_changed();
    current_.sink->open();
    log::info("backend {} took over", current_.backend().capabilities().name);
    return true;
}

Result<void> BackendSlot::observe(Observation& into) {
    if (current_ && forsaken_.exchange(0) == current_.lease.module()->generation) clear();
    if (!current_) return fail(Errc::unavailable, "no backend is loaded");
    settle_probation();
    auto observed = current_.backend().observe(into);
    // Also where the old one does not answer: that may be why it is replaced.
    if (candidate_ && take_over(into)) return {};
    return observed;
}

StepOutcome BackendSlot::apply(const Step& step) noexcept {
    if (!current_)
        return {StepStatus::failed, step.loaned_from_bytes, Constraint::backend_error,
                "no backend is loaded"};
    StepOutcome outcome = current_.backend().apply(step);
    if (previous_ && outcome.status == StepStatus::failed && failed_apply_.empty())
        failed_apply_ = outcome.detail.empty() ? "a move failed" : outcome.detail;
    return outcome;
}

std::optional<CarriedBooks> BackendSlot::carried_books(const DomainKey& domain) const {
    return current_ ? current_.backend().carried_books(domain) : std::nullopt;
}

void BackendSlot::keep_books(const DomainKey& domain, const std::optional<CarriedBooks>& books) {
    if (current_) current_.backend().keep_books(domain, books);
}

void BackendSlot::set_guest_tunables(const DomainKey& domain, const GuestTunables& tunables) {
    if (current_) current_.backend().set_guest_tunables(domain, tunables);
}

std::optional<Time> BackendSlot::next_event_at() const {
    return current_ ? current_.backend().next_event_at() : std::nullopt;
}

void BackendSlot::advance() {
    if (current_) current_.backend().advance();
}

}  // namespace ballast
