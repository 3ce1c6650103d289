#include "hv_backends/libvirt/libvirt_backend.h"

#include <fmt/format.h>
#include <libvirt/virterror.h>

#include <optional>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/units.h"
#include "hv_backends/libvirt/backoff.h"
#include "hv_backends/libvirt/connection.h"
#include "hv_backends/libvirt/domain_calls.h"
#include "hv_backends/libvirt/event_relay.h"
#include "hv_backends/libvirt/event_subscription.h"
#include "hv_backends/libvirt/event_thread.h"
#include "hv_backends/libvirt/host_memory.h"
#include "hv_backends/libvirt/memory_limits.h"
#include "hv_backends/libvirt/observer.h"

namespace ballast {
namespace {

// A domain whose facts take longer is starting until they come.
constexpr Duration kFactsPatience = std::chrono::milliseconds(200);
constexpr Duration kLettingGo = std::chrono::seconds(2);

class LibvirtBackend final : public Backend {
  public:
    LibvirtBackend(const LibvirtOptions& options, const Clock& clock)
        : options_(options),
          clock_(clock),
          relay_(std::make_shared<EventRelay>(clock)),
          reconnect_(options.reconnect_min, options.reconnect_max),
          observer_(*relay_, options.stats_period_s),
          limits_(is_local(options.uri), MemoryCgroups()) {
        capabilities_.name = "libvirt";
        capabilities_.description = "virtio balloons of the domains at " + options.uri;
        capabilities_.asynchronous = true;
    }
    ~LibvirtBackend() override { stop(); }

    const Capabilities& capabilities() const noexcept override { return capabilities_; }
    Result<void> start(EventSink& sink) override;
    void stop() noexcept override;
    Result<void> observe(Observation& into) override;
    StepOutcome apply(const Step& step) noexcept override;
    std::optional<CarriedBooks> carried_books(const DomainKey& domain) const override;
    void keep_books(const DomainKey& domain, const std::optional<CarriedBooks>& books) override;
    // The virtio driver's notifier frees what it always frees; no figure reaches it.
    void set_guest_tunables(const DomainKey&, const GuestTunables&) override {}

  private:
    Result<void> connect();
    Result<void> ensure_connected();
    void disconnect() noexcept;
    void wait_until_forgotten() noexcept;
    bool connection_broke() const noexcept;
    void hear_of_calls();
    void hear_of(CallOutcome& outcome);
    void warn_of(const CallOutcome& outcome);
    void tell_failed(const DomainKey& domain, Constraint constraint, std::string detail);

    const LibvirtOptions options_;
    const Clock& clock_;
    Capabilities capabilities_;
    const std::shared_ptr<EventRelay> relay_;
    Backoff reconnect_;
    Observer observer_;
    MemoryLimits limits_;
    RemoteMemory remote_memory_;
    bool started_ = false;
    Error last_failure_{Errc::unavailable, "not connected", 0};
    // In the order in which they are made; unmade the other way round.
    std::shared_ptr<EventThread> events_;
    ConnectHandle connection_;
    std::optional<EventSubscription> subscription_;
    // With connections of their own.
    WorkerThreads threads_;
    std::optional<BulkReader> reader_;
    std::optional<DomainCalls> calls_;
    std::vector<DomainKey> overdue_;
    std::vector<CallOutcome> outcomes_;
    std::string refused_;  // why libvirt did not tell or set something else than a balloon, last
};

Result<void> LibvirtBackend::start(EventSink& sink) {
    if (events_ == nullptr) {
        auto events = EventThread::acquire();
        if (!events) return tl::unexpected(events.error());
        events_ = std::move(*events);
    }
    relay_->attach(sink);
    started_ = true;
    if (connection_ != nullptr) return {};
    return connect();
}

// libvirt lets go of our callbacks on its event thread, some time after it was told to.
void LibvirtBackend::wait_until_forgotten() noexcept {
    const Time deadline = clock_.now() + kLettingGo;
    while (relay_.use_count() > 1) {
        if (clock_.now() >= deadline) {
            log::warn("libvirt still holds {} of our callbacks: their code stays",
                      relay_.use_count() - 1);
            keep_this_code_mapped();
            return;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

void LibvirtBackend::stop() noexcept {
    relay_->detach();
    disconnect();
    if (!threads_.join_all(kLettingGo)) {
        log::warn("calls into libvirt have not returned: their code stays");
        keep_this_code_mapped();
    }
    if (events_ != nullptr) wait_until_forgotten();
    events_.reset();
    started_ = false;
}

Result<void> LibvirtBackend::connect() {
    auto connection = open_connection(options_.uri);
    if (!connection) {
        reconnect_.failed(clock_.now());
        last_failure_ = connection.error();
        return tl::unexpected(last_failure_);
    }
    connection_ = std::move(*connection);
    // First, so that a loss during what follows counts.
    relay_->report_connected();
    subscription_.emplace(connection_.get(), relay_);
    observer_.forget_connection();
    remote_memory_ = {};
    reader_.emplace(options_.uri, options_.answer_deadline, threads_);
    calls_.emplace(clock_,
                   DomainCalls::Options{.uri = options_.uri,
                                        .stats_period_s = options_.stats_period_s,
                                        .overdue_after = options_.move_deadline},
                   threads_);
    reconnect_.succeeded();
    return {};
}

void LibvirtBackend::disconnect() noexcept {
    calls_.reset();
    reader_.reset();
    observer_.forget_connection();
    subscription_.reset();
    connection_.reset();
}

bool LibvirtBackend::connection_broke() const noexcept {
    return relay_->lost() || virConnectIsAlive(connection_.get()) != 1;
}

Result<void> LibvirtBackend::ensure_connected() {
    if (!started_) return fail(Errc::unavailable, "libvirt backend is not started");
    if (connection_ != nullptr && relay_->lost()) disconnect();
    if (connection_ != nullptr) return {};
    if (!reconnect_.due(clock_.now())) return fail(Errc::unavailable, last_failure_.context);
    auto connected = connect();
    // While it runs, no failure to connect is final: a server may come back.
    if (!connected) return fail(Errc::unavailable, connected.error().context);
    return connected;
}

void LibvirtBackend::tell_failed(const DomainKey& domain, Constraint constraint,
                                 std::string detail) {
    Event event;
    event.kind = EventKind::move_failed;
    event.domain = domain;
    event.constraint = constraint;
    event.detail = std::move(detail);
    relay_->send(std::move(event));
}

// Once, until the reason changes.
void LibvirtBackend::warn_of(const CallOutcome& outcome) {
    const bool refused = !outcome.done && !outcome.waited;
    const std::string& reason = refused ? outcome.detail : outcome.period_detail;
    if (reason.empty() || std::exchange(refused_, reason) == reason) return;
    log::warn("{}; {}", reason,
              refused ? "domains whose XML cannot be read are left alone"
                      : "domains whose statistics come too rarely are not to lend more");
}

void LibvirtBackend::hear_of(CallOutcome& outcome) {
    LibvirtDomain* const domain = observer_.find(0, outcome.domain);
    if (domain == nullptr || outcome.gone) return;  // the observation tells
    switch (outcome.kind) {
        case CallKind::facts:
            warn_of(outcome);
            observer_.take_facts(*domain, outcome, clock_.now());
            return;
        case CallKind::job:
            observer_.take_job(*domain, outcome);
            return;
        case CallKind::books:
            if (outcome.done)
                domain->facts.books = outcome.books;
            else
                log::debug("{}", outcome.detail);
            break;
        case CallKind::balloon:
            if (outcome.done)
                domain->calls.succeeded();
            else
                tell_failed(outcome.domain, outcome.constraint, std::move(outcome.detail));
            break;
    }
    if (outcome.waited) domain->calls.failed(clock_.now());
}

// What became of the calls that were asked for.
void LibvirtBackend::hear_of_calls() {
    calls_->take_outcomes(outcomes_);
    for (CallOutcome& outcome : outcomes_) hear_of(outcome);
    calls_->take_overdue(overdue_);
    for (const DomainKey& domain : overdue_)
        tell_failed(domain, Constraint::stuck, "its QEMU does not answer");
}

Result<void> LibvirtBackend::observe(Observation& into) {
    EventThread::silence_errors();
    if (auto connected = ensure_connected(); !connected) return connected;
    hear_of_calls();
    observer_.apply_notes(clock_.now());
    const auto records = reader_->read();
    if (records) {
        into.at = clock_.now();
        if (observer_.follow(*records, into.at, into.domains, *calls_)) {
            calls_->wait_for_facts(kFactsPatience);
            hear_of_calls();
        }
        const bool local = is_local(options_.uri);
        observer_.fill(into.at, local ? std::optional(clock_.wall_now()) : std::nullopt,
                       into.domains, *calls_);
        limits_.fill(
            into.domains, [this](std::size_t row) { return observer_.facts_of(row); }, into.at);
        if (local)
            read_local_memory("", into.host);
        else
            remote_memory_.read(connection_.get(), into.host);
        return {};
    }
    if (!connection_broke()) return Failure(records.error());
    relay_->report_lost(records.error().context);
    last_failure_ = records.error();
    disconnect();
    return fail(Errc::unavailable, last_failure_.context);
}

StepOutcome LibvirtBackend::apply(const Step& step) noexcept {
    if (connection_ == nullptr)
        return {StepStatus::failed, step.loaned_from_bytes, Constraint::backend_error,
                "not connected to libvirt"};
    LibvirtDomain* domain = observer_.find(step.row, step.domain);
    if (domain == nullptr)
        return {StepStatus::gone, 0, Constraint::backend_error, "no longer there"};
    // A domain without any memory is not one: libvirt refuses it as well.
    if (step.loaned_to_bytes >= domain->ballooned_bytes)
        return {StepStatus::refused, domain->loaned_bytes, Constraint::min_mem,
                fmt::format("cannot lend {} of {}", format_size(step.loaned_to_bytes),
                            format_size(domain->ballooned_bytes))};
    if (!domain->calls.due(clock_.now()))
        return {StepStatus::refused, domain->loaned_bytes, Constraint::stuck,
                fmt::format("kept libvirt waiting; asked again {} after that",
                            format_duration(domain->calls.wait()))};

    if (const Duration waiting = calls_->overdue(step.domain); waiting > Duration{0})
        return {StepStatus::refused, domain->loaned_bytes, Constraint::stuck,
                fmt::format("its QEMU has not answered for {}",
                            format_duration(std::chrono::floor<std::chrono::seconds>(waiting)))};

    calls_->set_balloon(step.domain, (domain->ballooned_bytes - step.loaned_to_bytes) / kKiB);
    return {StepStatus::accepted, domain->loaned_bytes, Constraint::none, {}};
}

std::optional<CarriedBooks> LibvirtBackend::carried_books(const DomainKey& domain) const {
    const LibvirtDomain* const known = observer_.find(domain);
    return known == nullptr ? std::nullopt : known->facts.books;
}

void LibvirtBackend::keep_books(const DomainKey& domain, const std::optional<CarriedBooks>& books) {
    if (calls_) calls_->keep_books(domain, books);
}

}  // namespace

std::unique_ptr<Backend> make_libvirt_backend(const LibvirtOptions& options, const Clock& clock) {
    return std::make_unique<LibvirtBackend>(options, clock);
}

}  // namespace ballast
