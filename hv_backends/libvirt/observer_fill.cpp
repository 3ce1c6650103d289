// What the observer makes of a record: flags and figures of a row.
#include <algorithm>
#include <utility>

#include "base/saturating.h"
#include "base/units.h"
#include "hv_backends/libvirt/observer.h"

namespace ballast {
namespace {

// Without any progress for so long, a virtio-mem device is taken to stay as it is.
constexpr Duration kResizePatience = std::chrono::minutes(1);
// After which a guest's own total and its balloon's size are of one time. QEMU reports a balloon
// that goes on changing once a second at most.
constexpr Duration kRest = std::chrono::seconds(3);

constexpr DomainFlags kNotOfNow =
    DomainFlags::late_stats | DomainFlags::stale_stats | DomainFlags::bad_stats |
    DomainFlags::no_stats | DomainFlags::starting | DomainFlags::unanswered | DomainFlags::paused;
// Statistics that have not come for so many periods are late: busy guests send some later.
constexpr int kLatePeriods = 3;
// A guest that sends its statistics more rarely than either is not to lend.
constexpr Duration kLongestPeriod = std::chrono::seconds(10);
constexpr int kMostPeriods = 5;
// Above it (in the year 2106) a time is not one.
constexpr std::uint64_t kMostUpdateS = std::uint64_t{1} << 32U;

void send(EventRelay& relay, const DomainKey& domain, EventKind kind) {
    Event event;
    event.kind = kind;
    event.domain = domain;
    relay.send(std::move(event));
}

std::uint64_t bytes_of(std::uint64_t kib) noexcept {
    return kib > kUnknownBytes / kKiB ? kUnknownBytes : kib * kKiB;
}

// Counts only rise while a guest runs: statistics with one that goes back are not believed.
bool believable(LibvirtDomain& domain, const StatsSample& sample,
                std::uint64_t total_bytes) noexcept {
    const bool goes_back = sample.major_faults != kUnknownBytes &&
                           domain.major_faults != kUnknownBytes &&
                           sample.major_faults < domain.major_faults;
    if (goes_back) domain.doubted_update_s = sample.last_update_s;
    domain.major_faults = sample.major_faults;
    const bool doubted =
        domain.doubted_update_s != 0 && domain.doubted_update_s == sample.last_update_s;
    return !doubted && plausible(sample, total_bytes);
}

}  // namespace

void Observer::fill(Time now, std::optional<WallTime> wall, DomainTable& table,
                    DomainCalls& calls) {
    for (std::size_t row = 0; row < domains_.size(); ++row) {
        LibvirtDomain& domain = domains_[row];
        const auto* const record = std::exchange(domain.record, nullptr);
        const StatsSample sample = read_sample(record->params, record->nparams);
        DomainFlags state = state_flags(sample);
        if (domain.was_out_of_sight) state = state | DomainFlags::carried_over;
        reconcile(domain, state, calls);
        fill(row, sample, state | look_at_statistics(domain, sample, now, wall, calls), now, table);
    }
}

void Observer::take_facts(LibvirtDomain& domain, const CallOutcome& outcome, Time now) {
    const bool changed_meanwhile = domain.facts_state == FactsState::due;
    domain.facts_refused = !outcome.done && !outcome.waited;
    if (!outcome.done) {
        // Mostly a domain that is about to go; tried again as long as it does not.
        domain.facts_state = FactsState::due;
        domain.calls.failed(now);
        return;
    }
    if (!changed_meanwhile) domain.facts_state = FactsState::read;
    domain.facts = outcome.facts;
    domain.facts_known = true;
    domain.facts_pass = pass_;
    domain.facts_at = now;
    domain.calls.succeeded();
}

void Observer::take_job(LibvirtDomain& domain, const CallOutcome& outcome) {
    const bool asked = std::exchange(domain.job_asked, false);
    // What cannot be told counts as none; what hangs is asked again.
    if (!asked || outcome.job_runs || outcome.waited || !domain.told_migrating) return;
    domain.told_migrating = false;
    send(relay_, domain.key, EventKind::migration_ended);
}

// The end of a pause or a migration may have been missed while the connection was down, and
// libvirt does not tell of every migration that failed.
void Observer::reconcile(LibvirtDomain& domain, DomainFlags state, DomainCalls& calls) {
    if (domain.told_paused && !has(state, DomainFlags::paused)) {
        domain.told_paused = false;
        send(relay_, domain.key, EventKind::domain_resumed);
    }
    if (domain.told_migrating && !has(state, DomainFlags::migrating) && !domain.job_asked) {
        domain.job_asked = true;
        calls.look_for_job(domain.key);
    }
}

// What virtio-mem has plugged in is part of a balloon's size as libvirt tells it, and is itself
// told in the XML alone. Where it changed meanwhile, the one does not fit the other, and the guest
// would seem to have moved its balloon.
bool Observer::sample_and_facts_differ(const StatsSample& sample, LibvirtDomain& domain) {
    if (!domain.balloon_told) return false;
    // libvirt's maximum is <memory> of the XML. Where they differ, a device came or went: what kind
    // of one the XML tells.
    const bool differ = domain.facts_known && sample.maximum_kib != kUnknownBytes &&
                        domain.facts.maximum_bytes != kUnknownBytes &&
                        sample.maximum_kib != domain.facts.maximum_bytes / kKiB;
    if (!differ) domain.differs_since_pass = 0;
    if (differ && domain.differs_since_pass == 0) domain.differs_since_pass = pass_;
    if (differ && domain.facts_pass <= domain.differs_since_pass) {
        if (domain.facts_state == FactsState::read) domain.facts_state = FactsState::due;
        return true;
    }
    if (domain.facts.virtio_mem_bytes == 0) return false;
    return domain.facts_state != FactsState::read || domain.facts_pass == pass_ ||
           relay_.noted(domain.key, Note::Kind::changed);
}

// Other programs may set the period of statistics, or switch them off, and libvirt tells nobody.
DomainFlags Observer::look_at_statistics(LibvirtDomain& domain, const StatsSample& sample, Time now,
                                         std::optional<WallTime> wall, DomainCalls& calls) {
    if (!domain.facts_known || !domain.facts.has_balloon) return DomainFlags::none;
    Duration age{0};
    if (wall && sample.last_update_s <= kMostUpdateS)
        age = *wall - WallTime(std::chrono::seconds(sample.last_update_s));
    const std::uint32_t period_s = domain.facts.stats_period_s;
    const DomainFlags flags =
        domain.freshness.update(sample.last_update_s, period_s, sample.running(), now, age);
    if (stats_period_s_ == 0) return flags;

    const Duration wanted = std::chrono::seconds(stats_period_s_);
    if (domain.freshness.silent_for(now) < kLatePeriods * wanted) {
        domain.period.succeeded();
    } else if (domain.facts_state == FactsState::read && sample.running() &&
               now - domain.facts_at >= kLatePeriods * wanted && domain.period.due(now)) {
        domain.period.failed(now);
        domain.facts_state = FactsState::asked;
        calls.read_facts(domain.key, true);
    }
    // Setting it was refused: by figures of long ago nobody notices that the guest runs short.
    const bool too_rare =
        std::chrono::seconds(period_s) > std::max<Duration>(kLongestPeriod, kMostPeriods * wanted);
    return too_rare ? flags | DomainFlags::stale_stats : flags;
}

void Observer::fill(std::size_t row, const StatsSample& sample, DomainFlags flags, Time now,
                    DomainTable& table) {
    LibvirtDomain& domain = domains_[row];
    if (domain.told_migrating) flags = flags | DomainFlags::migrating;

    if (!domain.facts_known) {
        flags = flags | (domain.facts_refused ? DomainFlags::unanswered : DomainFlags::starting);
    } else {
        if (!domain.facts.has_balloon) flags = flags | DomainFlags::no_driver;
        if (domain.facts.deflate_on_oom) flags = flags | DomainFlags::deflate_on_oom;
        if (domain.facts.pinned_memory) flags = flags | DomainFlags::pinned_memory;
    }

    const DomainFacts& facts = domain.facts;
    if (facts.virtio_mem_plugged_bytes != facts.virtio_mem_requested_bytes &&
        now - domain.facts_at < kResizePatience)
        flags = flags | DomainFlags::hotplug;
    MemoryFigures figures = memory_figures(sample, facts);
    if (sample_and_facts_differ(sample, domain)) {
        figures.total_bytes = domain.total_bytes;
        figures.ballooned_bytes = domain.ballooned_bytes;
        figures.loaned_bytes = domain.loaned_bytes;
    }
    // A guest may use an NVDIMM as ordinary memory.
    if (!believable(domain, sample, figures.total_bytes + facts.unballooned_bytes)) {
        flags = flags | DomainFlags::bad_stats;
        figures.unused_bytes = figures.usable_bytes = figures.cache_bytes = kUnknownBytes;
    }
    domain.total_bytes = figures.total_bytes;
    if (figures.ballooned_bytes != domain.ballooned_bytes) {
        if (domain.ballooned_bytes != 0) domain.resized_at = now;
        domain.ballooned_bytes = figures.ballooned_bytes;
        relay_.set_ballooned(domain.key, figures.ballooned_bytes);
    }
    if (sample.current_kib == kUnknownBytes && domain.facts.has_balloon) {
        flags = flags | DomainFlags::unanswered;  // and not: took everything back, or is stuck
    } else if (domain.loaned_bytes != figures.loaned_bytes) {
        domain.loaned_bytes = figures.loaned_bytes;
        domain.freshness.balloon_moved();
        domain.resized_at = now;
    }
    if (domain.freshness.is_late()) flags = flags | DomainFlags::late_stats;
    if ((flags & kNotOfNow) == DomainFlags::none && now - domain.resized_at >= kRest)
        domain.unmanaged_bytes = unmanaged_bytes(sample, figures, domain.facts.deflate_on_oom);
    domain.balloon_told = domain.balloon_told || sample.current_kib != kUnknownBytes;
    table.flags[row] = flags;
    table.total_bytes[row] =
        std::max(less(figures.total_bytes, domain.unmanaged_bytes), domain.loaned_bytes);
    table.loaned_bytes[row] = domain.loaned_bytes;
    table.loan_request_bytes[row] = 0;
    table.unused_bytes[row] = figures.unused_bytes;
    table.usable_bytes[row] = figures.usable_bytes;
    table.cache_bytes[row] = figures.cache_bytes;
    table.major_faults[row] = domain.major_faults;
    table.swapped_in_bytes[row] = bytes_of(sample.swapped_in_kib);
    table.swapped_out_bytes[row] = bytes_of(sample.swapped_out_kib);
    table.resident_bytes[row] = bytes_of(sample.rss_kib);
    table.node_mask[row] = facts.node_mask;
    const auto age = domain.freshness.age(now);
    table.stats_age_ms[row] =
        age ? static_cast<std::uint64_t>(
                  std::chrono::duration_cast<std::chrono::milliseconds>(*age).count())
            : kUnknownBytes;
}

}  // namespace ballast
