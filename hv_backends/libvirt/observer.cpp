#include "hv_backends/libvirt/observer.h"

#include <libvirt/virterror.h>

#include <cstdlib>
#include <utility>

#include "base/units.h"
#include "hv_backends/libvirt/event_subscription.h"

namespace ballast {
namespace {

// Without any progress for so long, a virtio-mem device is taken to stay as it is.
constexpr Duration kResizePatience = std::chrono::minutes(1);
constexpr std::uint8_t kPageShift = 12;  // virtio's balloon counts 4 KiB pages everywhere

void send(EventRelay& relay, const DomainKey& domain, EventKind kind) {
    Event event;
    event.kind = kind;
    event.domain = domain;
    relay.send(std::move(event));
}

std::uint64_t bytes_of(std::uint64_t kib) noexcept {
    return kib > kUnknownBytes / kKiB ? kUnknownBytes : kib * kKiB;
}

// Whether a job (of which a migration is one) runs; false if that cannot be told.
bool job_runs(virDomainPtr domain) noexcept {
    virDomainJobInfo job{};
    return virDomainGetJobInfo(domain, &job) == 0 && job.type != VIR_DOMAIN_JOB_NONE;
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

void Observer::forget_handles() noexcept {
    for (LibvirtDomain& domain : domains_) domain.handle.reset();
}

void Observer::forget_connection() noexcept {
    for (LibvirtDomain& domain : domains_) {
        domain.handle.reset();
        domain.facts_known = false;
        domain.calls.succeeded();
    }
}

void Observer::apply_notes(Time now) {
    relay_.take_notes(notes_);
    for (const Note& note : notes_) {
        const auto found = row_of_.find(note.domain);
        if (found == row_of_.end()) continue;
        LibvirtDomain& domain = domains_[found->second];
        switch (note.kind) {
            case Note::Kind::changed:
                domain.facts_known = false;
                break;
            case Note::Kind::rebooted:
                domain.freshness.restart(now);
                domain.major_faults = kUnknownBytes;
                break;
            case Note::Kind::paused:
                domain.told_paused = true;
                break;
            case Note::Kind::resumed:
                domain.told_paused = false;
                break;
            case Note::Kind::migration_began:
                domain.told_migrating = true;
                break;
            case Note::Kind::migration_ended:
                domain.told_migrating = false;
                break;
        }
    }
}

void Observer::observe(const BulkRecords& answer, Time now, Observation& into) {
    DomainTable& table = into.domains;
    if (table.size() != domains_.size()) {
        // Not the object of the last call: its rows are none of ours.
        for (const LibvirtDomain& domain : domains_) relay_.set_ballooned(domain.key, 0);
        domains_.clear();
        row_of_.clear();
        table.resize(0);
        ++membership_;
    }
    ++pass_;
    into.at = now;
    for (std::size_t i = 0; i < static_cast<std::size_t>(answer.count); ++i)
        take_record(*answer.records.get()[i], i, now, table);
    remove_unseen(table);
    table.membership = membership_;
}

void Observer::take_record(const virDomainStatsRecord& record, std::size_t likely_row, Time now,
                           DomainTable& table) {
    const DomainKey key = key_of(record.dom);
    const int id = static_cast<int>(virDomainGetID(record.dom));
    LibvirtDomain* domain = find(likely_row, key);
    // Stopped and started between two observations: gone for this one, so that the controller
    // starts over with it as well.
    if (domain != nullptr && domain->id != id) return;
    if (domain == nullptr) {
        domain = &add(key, now, table);
        domain->id = id;
    }
    const auto row = static_cast<std::size_t>(domain - domains_.data());
    domain->pass = pass_;
    const char* name = virDomainGetName(record.dom);
    if (name != nullptr && table.name[row] != name) {
        table.name[row] = name;
        ++membership_;
    }
    if (domain->handle == nullptr) domain->handle = share(record.dom);
    if (!domain->facts_known) read_facts(*domain, now);
    fill(row, read_sample(record.params, record.nparams), now, table);
}

LibvirtDomain& Observer::add(const DomainKey& key, Time now, DomainTable& table) {
    const std::size_t row = domains_.size();
    table.resize(row + 1);
    table.key[row] = key;
    table.page_shift[row] = kPageShift;
    row_of_.emplace(key, row);
    ++membership_;
    LibvirtDomain& domain = domains_.emplace_back();
    domain.key = key;
    domain.freshness.restart(now);
    return domain;
}

void Observer::remove_unseen(DomainTable& table) {
    for (std::size_t row = domains_.size(); row-- > 0;) {
        if (domains_[row].pass == pass_) continue;
        relay_.set_ballooned(domains_[row].key, 0);
        row_of_.erase(domains_[row].key);
        if (row + 1 != domains_.size()) {
            domains_[row] = std::move(domains_.back());
            row_of_[domains_[row].key] = row;
        }
        domains_.pop_back();
        table.remove_row(row);
        ++membership_;
    }
}

void Observer::read_facts(LibvirtDomain& domain, Time now) {
    if (!domain.calls.due(now)) return;
    struct Free {
        void operator()(char* text) const noexcept { std::free(text); }
    };
    const std::unique_ptr<char, Free> xml(virDomainGetXMLDesc(domain.handle.get(), 0));
    const auto facts = xml == nullptr ? Result<DomainFacts>(libvirt_failure("read the XML"))
                                      : parse_domain_facts(xml.get());
    if (!facts) {
        // Mostly a domain that is about to go; tried again as long as it does not.
        domain.calls.failed(now);
        return;
    }
    domain.facts = *facts;
    domain.facts_known = true;
    domain.facts_pass = pass_;
    domain.facts_at = now;
    if (domain.facts.has_balloon && domain.facts.stats_period_s == 0 && stats_period_s_ != 0) {
        const int period = static_cast<int>(stats_period_s_);
        // A failure leaves the figures unknown, which policies understand.
        if (virDomainSetMemoryStatsPeriod(domain.handle.get(), period, VIR_DOMAIN_AFFECT_LIVE) == 0)
            domain.facts.stats_period_s = stats_period_s_;
    }
    domain.calls.succeeded();
}

// The end of a pause or a migration may have been missed while the connection was down, and
// libvirt does not tell of every migration that failed.
void Observer::reconcile(LibvirtDomain& domain, DomainFlags state) {
    if (domain.told_paused && !has(state, DomainFlags::paused)) {
        domain.told_paused = false;
        send(relay_, domain.key, EventKind::domain_resumed);
    }
    if (domain.told_migrating && !has(state, DomainFlags::migrating) &&
        !job_runs(domain.handle.get())) {
        domain.told_migrating = false;
        send(relay_, domain.key, EventKind::migration_ended);
    }
}

// What virtio-mem has plugged in is part of a balloon's size as libvirt tells it, and is itself
// told in the XML alone. Where it changed meanwhile, the one does not fit the other, and the guest
// would seem to have moved its balloon.
bool Observer::sample_and_facts_differ(const LibvirtDomain& domain) const {
    if (domain.facts.virtio_mem_bytes == 0 || !domain.balloon_told) return false;
    return domain.facts_pass == pass_ || relay_.noted(domain.key, Note::Kind::changed);
}

void Observer::fill(std::size_t row, const StatsSample& sample, Time now, DomainTable& table) {
    LibvirtDomain& domain = domains_[row];
    DomainFlags flags = state_flags(sample);
    reconcile(domain, flags);
    if (domain.told_migrating) flags = flags | DomainFlags::migrating;

    if (!domain.facts_known) {
        flags = flags | DomainFlags::starting;
    } else {
        if (!domain.facts.has_balloon) flags = flags | DomainFlags::no_driver;
        if (domain.facts.deflate_on_oom) flags = flags | DomainFlags::deflate_on_oom;
        if (domain.facts.pinned_memory) flags = flags | DomainFlags::pinned_memory;
    }
    if (domain.facts_known && domain.facts.has_balloon)
        flags = flags | domain.freshness.update(sample.last_update_s, domain.facts.stats_period_s,
                                                sample.running(), now);

    const DomainFacts& facts = domain.facts;
    if (facts.virtio_mem_plugged_bytes != facts.virtio_mem_requested_bytes &&
        now - domain.facts_at < kResizePatience)
        flags = flags | DomainFlags::hotplug;
    MemoryFigures figures = memory_figures(sample, facts);
    if (sample_and_facts_differ(domain)) {
        figures.total_bytes = domain.total_bytes;
        figures.loaned_bytes = domain.loaned_bytes;
    }
    if (!believable(domain, sample, figures.total_bytes)) {
        flags = flags | DomainFlags::bad_stats;
        figures.unused_bytes = figures.usable_bytes = figures.cache_bytes = kUnknownBytes;
    }
    domain.total_bytes = figures.total_bytes;
    if (figures.ballooned_bytes != domain.ballooned_bytes) {
        domain.ballooned_bytes = figures.ballooned_bytes;
        relay_.set_ballooned(domain.key, figures.ballooned_bytes);
    }
    if (sample.current_kib != kUnknownBytes || !domain.balloon_told)
        domain.loaned_bytes = figures.loaned_bytes;
    else
        flags = flags | DomainFlags::unanswered;  // and not: took everything back
    domain.balloon_told = domain.balloon_told || sample.current_kib != kUnknownBytes;
    table.flags[row] = flags;
    table.total_bytes[row] = figures.total_bytes;
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
}

LibvirtDomain* Observer::find(std::size_t row, const DomainKey& key) noexcept {
    if (row < domains_.size() && domains_[row].key == key) return &domains_[row];
    return const_cast<LibvirtDomain*>(std::as_const(*this).find(key));
}

const LibvirtDomain* Observer::find(const DomainKey& key) const noexcept {
    const auto found = row_of_.find(key);
    return found == row_of_.end() ? nullptr : &domains_[found->second];
}

}  // namespace ballast
