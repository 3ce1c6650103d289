#include "hv_backends/libvirt/one_call.h"

#include <fmt/format.h>
#include <libvirt/virterror.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "hv_backends/libvirt/books_metadata.h"

namespace ballast {
namespace {

CallOutcome failed(virDomainPtr domain, CallOutcome outcome) {
    constexpr std::array<std::string_view, 4> kWhat{"set the balloon", "read the XML",
                                                    "look for a job", "keep the books"};
    const int number = last_error_number();
    outcome.detail = libvirt_failure(kWhat[static_cast<std::size_t>(outcome.kind)]).value().context;
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

bool set_balloon(virDomainPtr domain, std::uint64_t kept_kib) {
    return virDomainSetMemoryFlags(domain, static_cast<unsigned long>(kept_kib),
                                   VIR_DOMAIN_AFFECT_LIVE) == 0;
}

bool set_books(virDomainPtr domain, const std::optional<CarriedBooks>& books) {
    const std::string element = books ? books_element(*books) : std::string();
    return virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT,
                                books ? element.c_str() : nullptr, kBooksPrefix, kBooksNamespace,
                                VIR_DOMAIN_AFFECT_LIVE) == 0;
}

// Whether the figures come too rarely for one that may lend; nobody needs those of another.
bool has_to_set_period(const DomainFacts& facts, const OneCall& call) noexcept {
    if (!facts.has_balloon || call.stats_period_s == 0) return false;
    if (facts.stats_period_s == 0 || call.set_period) return true;
    return facts.stats_period_s > call.stats_period_s && !facts.pinned_memory;
}

// Who has set a shorter period keeps it.
std::uint32_t period_to_set(const DomainFacts& facts, const OneCall& call) noexcept {
    return facts.stats_period_s == 0 ? call.stats_period_s
                                     : std::min(facts.stats_period_s, call.stats_period_s);
}

bool read_facts(virDomainPtr domain, const OneCall& call, CallOutcome& outcome) {
    struct Free {
        void operator()(char* text) const noexcept { std::free(text); }
    };
    const std::unique_ptr<char, Free> xml(virDomainGetXMLDesc(domain, 0));
    if (xml == nullptr) return false;
    const auto facts = parse_domain_facts(xml.get());
    if (!facts) return false;
    outcome.facts = *facts;
    if (!has_to_set_period(*facts, call)) return true;
    // A failure leaves the figures unknown or old, which the gate and policies understand.
    const std::uint32_t period = period_to_set(*facts, call);
    if (virDomainSetMemoryStatsPeriod(domain, static_cast<int>(period), VIR_DOMAIN_AFFECT_LIVE) ==
        0)
        outcome.facts.stats_period_s = period;
    else
        outcome.period_detail =
            libvirt_failure(fmt::format("set the period of statistics from {} s to {} s",
                                        facts->stats_period_s, period))
                .value()
                .context;
    return true;
}

bool look_for_job(virDomainPtr domain, bool& runs) {
    virDomainJobInfo job{};
    if (virDomainGetJobInfo(domain, &job) != 0) return false;
    runs = job.type != VIR_DOMAIN_JOB_NONE;
    return true;
}

bool make(virDomainPtr domain, const OneCall& call, CallOutcome& outcome) {
    switch (call.kind) {
        case CallKind::balloon:
            return set_balloon(domain, call.kept_kib);
        case CallKind::facts:
            return read_facts(domain, call, outcome);
        case CallKind::job:
            return look_for_job(domain, outcome.job_runs);
        case CallKind::books:
            return set_books(domain, call.books);
    }
    return false;
}

}  // namespace

CallOutcome carry_out(WorkerConnection& worker, const OneCall& call) {
    CallOutcome outcome;
    outcome.domain = call.domain;
    outcome.kind = call.kind;
    outcome.books = call.books;
    const auto connection = worker.get();
    if (!connection) {
        outcome.constraint = Constraint::backend_error;
        outcome.detail = connection.error().message();
        return outcome;
    }
    const DomainHandle domain(virDomainLookupByUUID(*connection, call.domain.uuid.data()));
    if (domain == nullptr || !make(domain.get(), call, outcome))
        return failed(domain.get(), std::move(outcome));
    outcome.done = true;
    return outcome;
}

}  // namespace ballast
