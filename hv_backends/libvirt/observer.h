// Turns libvirt's bulk statistics into the columns of an Observation.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "hv_backends/libvirt/backoff.h"
#include "hv_backends/libvirt/bulk_reader.h"
#include "hv_backends/libvirt/connection.h"
#include "hv_backends/libvirt/domain_facts.h"
#include "hv_backends/libvirt/event_relay.h"
#include "hv_backends/libvirt/freshness.h"
#include "hv_backends/libvirt/stats_sample.h"
#include "model/host.h"

namespace ballast {

// What is known of one domain beside its columns.
struct LibvirtDomain {
    DomainKey key;
    DomainHandle handle;  // of the present connection
    int id = -1;          // libvirt's number for this run of the domain
    bool facts_known = false;
    DomainFacts facts;
    std::uint64_t facts_pass = 0;  // the observation that read them
    Time facts_at{};               //
    Freshness freshness;
    std::uint64_t major_faults = kUnknownBytes;  // as last told
    std::uint64_t doubted_update_s = 0;          // the update in which a count went back
    bool told_paused = false;                    // the controller's last word from us
    bool told_migrating = false;                 //
    std::uint64_t total_bytes = 0;
    std::uint64_t ballooned_bytes = 0;  // see MemoryFigures
    std::uint64_t loaned_bytes = 0;
    bool balloon_told = false;  // its size was told before
    std::uint64_t pass = 0;     // last observation that held it
    // A domain that keeps libvirt waiting is not asked each tick.
    Backoff calls{std::chrono::seconds(1), std::chrono::minutes(1)};
};

// The loop's thread only.
class Observer {
  public:
    // `stats_period_s` is set on domains that have none; 0 = leave alone. `relay` outlives it.
    Observer(std::uint32_t stats_period_s, EventRelay& relay)
        : stats_period_s_(stats_period_s), relay_(relay) {}

    // A new connection: handles and what was read over the old one are void, the rows stay.
    void forget_connection() noexcept;

    // What was told since the last observation; before the records are read, so that they are newer
    // than every note.
    void apply_notes(Time now);
    // What the bulk call answered; one more call per domain that is new or has changed.
    void observe(const BulkRecords& answer, Time now, Observation& into);
    // The handles are of a connection that hangs: they are not used any more.
    void forget_handles() noexcept;

    // The domain of that row if it still has this key, else wherever it is now; nullptr if it is
    // gone. Valid until the next observe().
    LibvirtDomain* find(std::size_t row, const DomainKey& key) noexcept;
    const LibvirtDomain* find(const DomainKey& key) const noexcept;

  private:
    void take_record(const virDomainStatsRecord& record, std::size_t likely_row, Time now,
                     DomainTable& table);
    LibvirtDomain& add(const DomainKey& key, Time now, DomainTable& table);
    void remove_unseen(DomainTable& table);
    void read_facts(LibvirtDomain& domain, Time now);
    void reconcile(LibvirtDomain& domain, DomainFlags state);
    void fill(std::size_t row, const StatsSample& sample, Time now, DomainTable& table);
    bool sample_and_facts_differ(const LibvirtDomain& domain) const;

    const std::uint32_t stats_period_s_;
    EventRelay& relay_;
    std::uint64_t pass_ = 0;
    std::uint64_t membership_ = 0;
    std::vector<LibvirtDomain> domains_;  // one per row
    std::unordered_map<DomainKey, std::size_t> row_of_;
    std::vector<Note> notes_;
};

}  // namespace ballast
