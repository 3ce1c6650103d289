#include "hv_backends/libvirt/several_connections.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "base/units.h"
#include "hv_backends/libvirt/host_memory.h"

namespace ballast {
namespace {

class SeveralConnections final : public Backend {
  public:
    SeveralConnections(std::vector<ConnectionPlan> plans, const SeveralOptions& options,
                       const Clock& clock)
        : plans_(std::move(plans)), options_(options), clock_(clock) {
        capabilities_ = plans_.front().make(clock_)->capabilities();
        capabilities_.description += fmt::format(" and {} more", plans_.size() - 1);
    }
    ~SeveralConnections() override { stop(); }

    const Capabilities& capabilities() const noexcept override { return capabilities_; }
    Result<void> start(EventSink& sink) override;
    void stop() noexcept override;
    Result<void> observe(Observation& into) override;
    StepOutcome apply(const Step& step) noexcept override;
    void set_guest_tunables(const DomainKey& domain, const GuestTunables& tunables) override;
    std::optional<CarriedBooks> carried_books(const DomainKey& domain) const override;
    void keep_books(const DomainKey& domain, const std::optional<CarriedBooks>& books) override;

  private:
    struct Connection {
        const ConnectionPlan* plan = nullptr;
        std::string host;  // where it leads
        std::unique_ptr<ConnectionThread> thread;
        bool late = false;             // not waited for
        bool asked = false;            // this time; else its answer is to an earlier question
        bool answered = false;         // this time, and well
        bool ever_observed = false;    //
        bool late_start = false;       // that was this time, and others came before
        std::optional<Error> problem;  // why it did not answer, as logged
    };

    Result<void> make_connections();
    void ask_all();
    void wait_for_answers();
    void take_answers();
    void take_answer(Connection& connection);
    static void note_problem(Connection& connection, Error problem);
    Failure all_failed() const;
    void merge(Observation& into);
    ConnectionThread* owner_of(const DomainKey& domain) const noexcept;
    HostState local_host() const noexcept;

    const std::vector<ConnectionPlan> plans_;
    const SeveralOptions options_;
    const Clock& clock_;
    Capabilities capabilities_;
    const std::shared_ptr<EventFunnel> funnel_ = std::make_shared<EventFunnel>();
    const std::shared_ptr<MeetingPoint> meeting_ = std::make_shared<MeetingPoint>();
    MergedDomains merged_;
    bool observed_ = false;  // some connection has answered since start()
    std::vector<ToldDomains> told_;
    WorkerThreads threads_;
    std::vector<Connection> connections_;  // while started
};

Result<void> SeveralConnections::make_connections() {
    try {
        for (const ConnectionPlan& plan : plans_) {
            auto end = std::make_unique<FunnelEnd>(funnel_, connections_.size(), plan.uri);
            auto thread = std::make_unique<ConnectionThread>(plan, std::move(end), clock_, meeting_,
                                                             threads_);
            Connection& made = connections_.emplace_back();
            made.plan = &plan;
            made.host = host_of(plan.uri);
            made.thread = std::move(thread);
        }
    } catch (const std::system_error& error) {
        return fail(Errc::io, fmt::format("no thread for a connection: {}", error.what()));
    }
    return {};
}

Result<void> SeveralConnections::start(EventSink& sink) {
    funnel_->open(sink);
    if (!connections_.empty()) return {};
    merged_.forget();
    observed_ = false;
    if (auto made = make_connections(); !made) {
        stop();
        return made;
    }
    for (Connection& connection : connections_) {
        connection.asked = true;
        connection.thread->ask_to_start();
    }
    wait_for_answers();
    take_answers();
    for (const Connection& connection : connections_) {
        // One that is not there yet is waited for.
        if (!connection.problem || connection.problem->code == Errc::unavailable ||
            connection.problem->code == Errc::timed_out)
            continue;
        const Error problem = *connection.problem;
        stop();
        return Failure(problem);
    }
    const bool any_there = std::any_of(
        connections_.begin(), connections_.end(),
        [](const Connection& connection) { return connection.answered || connection.late; });
    if (!any_there) return all_failed();
    return {};
}

void SeveralConnections::stop() noexcept {
    funnel_->close();
    for (Connection& connection : connections_) connection.thread->end();
    if (!threads_.join_all(options_.letting_go)) {
        log::warn("a connection to libvirt hangs and is left behind: its code stays");
        keep_this_code_mapped();
    }
    connections_.clear();
}

void SeveralConnections::ask_all() {
    for (Connection& connection : connections_) {
        connection.asked = !connection.thread->busy();
        if (connection.asked) connection.thread->ask_to_observe();
    }
}

void SeveralConnections::wait_for_answers() {
    const auto outstanding = [this] {
        return static_cast<std::size_t>(std::count_if(
            connections_.begin(), connections_.end(), [](const Connection& connection) {
                return !connection.late && connection.thread->busy() &&
                       !connection.thread->answered();
            }));
    };
    std::unique_lock lock(meeting_->mutex);
    if (options_.wait) return options_.wait(lock, meeting_->answered, outstanding);
    meeting_->answered.wait_for(lock, options_.deadline, [&] { return outstanding() == 0; });
}

// Told once, until it changes.
void SeveralConnections::note_problem(Connection& connection, Error problem) {
    const std::string& uri = connection.plan->uri;
    if (problem.context.find(uri) == std::string::npos)
        problem.context = fmt::format("{}: {}", uri, problem.context);
    if (!connection.problem || connection.problem->context != problem.context)
        log::warn("{}", problem.context);
    connection.problem = std::move(problem);
}

void SeveralConnections::take_answer(Connection& connection) {
    const auto answer = connection.thread->take_answer();
    if (!answer) return;
    if (answer->took <= options_.deadline) connection.late = false;
    if (!answer->result) return note_problem(connection, answer->result.error());
    if (!connection.late && std::exchange(connection.problem, std::nullopt))
        log::info("{}: answers again", connection.plan->uri);
    connection.answered = connection.asked;
    if (!answer->observed || std::exchange(connection.ever_observed, true)) return;
    connection.late_start = observed_;
}

// After the wait: who has not answered is late from now on.
void SeveralConnections::take_answers() {
    for (Connection& connection : connections_) {
        take_answer(connection);
        if (!connection.thread->busy() || std::exchange(connection.late, true)) continue;
        note_problem(connection, {Errc::timed_out,
                                  fmt::format("libvirt has not answered within {}",
                                              format_duration(options_.deadline)),
                                  0});
    }
}

Failure SeveralConnections::all_failed() const {
    Error all{Errc::timed_out, "no connection has answered yet", 0};
    bool first = true;
    for (const Connection& connection : connections_) {
        if (!connection.problem) continue;
        if (std::exchange(first, false))
            all = *connection.problem;
        else
            all.context += "; " + connection.problem->context;
    }
    return Failure(all);
}

HostState SeveralConnections::local_host() const noexcept {
    for (const Connection& connection : connections_)
        if (connection.plan->local && connection.answered) return connection.thread->told().host;
    return {};
}

Result<void> SeveralConnections::observe(Observation& into) {
    if (connections_.empty()) return fail(Errc::unavailable, "libvirt backend is not started");
    for (Connection& connection : connections_) {
        connection.asked = connection.answered = connection.late_start = false;
        take_answer(connection);  // to an earlier question
    }
    ask_all();
    wait_for_answers();
    take_answers();
    if (std::none_of(connections_.begin(), connections_.end(),
                     [](const Connection& connection) { return connection.answered; }))
        return all_failed();
    merge(into);
    return {};
}

void SeveralConnections::merge(Observation& into) {
    told_.clear();
    for (const Connection& connection : connections_)
        told_.push_back({&connection.thread->told().domains, connection.answered,
                         connection.late_start, connection.host});
    if (merged_.merge(told_, into.domains)) funnel_->set_owners(merged_.owners(), clock_.now());
    into.at = clock_.now();
    into.host = local_host();
    observed_ = true;
}

StepOutcome SeveralConnections::apply(const Step& step) noexcept {
    if (connections_.empty())
        return {StepStatus::failed, step.loaned_from_bytes, Constraint::backend_error,
                "not connected to libvirt"};
    const auto place = merged_.find(step.row, step.domain);
    if (!place) return {StepStatus::gone, 0, Constraint::backend_error, "no longer there"};
    const Connection& connection = connections_[place->connection];
    Backend* const backend = connection.thread->idle_backend();
    if (backend == nullptr)
        return {StepStatus::refused, step.loaned_from_bytes, Constraint::stuck,
                connection.plan->uri + " does not answer"};
    Step own = step;
    own.row = place->row;
    return backend->apply(own);
}

ConnectionThread* SeveralConnections::owner_of(const DomainKey& domain) const noexcept {
    const auto place = merged_.find(0, domain);
    if (!place || connections_.empty()) return nullptr;
    return connections_[place->connection].thread.get();
}

void SeveralConnections::set_guest_tunables(const DomainKey& domain,
                                            const GuestTunables& tunables) {
    if (ConnectionThread* const owner = owner_of(domain))
        owner->when_idle([=](Backend& backend) { backend.set_guest_tunables(domain, tunables); });
}

std::optional<CarriedBooks> SeveralConnections::carried_books(const DomainKey& domain) const {
    const ConnectionThread* const owner = owner_of(domain);
    const Backend* const backend = owner == nullptr ? nullptr : owner->idle_backend();
    return backend == nullptr ? std::nullopt : backend->carried_books(domain);
}

void SeveralConnections::keep_books(const DomainKey& domain,
                                    const std::optional<CarriedBooks>& books) {
    if (ConnectionThread* const owner = owner_of(domain))
        owner->when_idle([=](Backend& backend) { backend.keep_books(domain, books); });
}

}  // namespace

std::unique_ptr<Backend> make_several_connections(std::vector<ConnectionPlan> plans,
                                                  const SeveralOptions& options,
                                                  const Clock& clock) {
    return std::make_unique<SeveralConnections>(std::move(plans), options, clock);
}

}  // namespace ballast
