// Turns libvirt's bulk statistics into the columns of an Observation.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "hv_backends/libvirt/backoff.h"
#include "hv_backends/libvirt/bulk_reader.h"
#include "hv_backends/libvirt/domain_calls.h"
#include "hv_backends/libvirt/domain_facts.h"
#include "hv_backends/libvirt/event_relay.h"
#include "hv_backends/libvirt/freshness.h"
#include "hv_backends/libvirt/stats_sample.h"
#include "model/host.h"

namespace ballast {

// Whether what is known of a domain's XML is what it says now.
enum class FactsState : std::uint8_t { due, asked, read };

// What is known of one domain beside its columns.
struct LibvirtDomain {
    DomainKey key;
    int id = -1;  // libvirt's number for this run of the domain
    FactsState facts_state = FactsState::due;
    bool facts_known = false;    // once read, by the present connection
    bool facts_refused = false;  // libvirt would not tell them last time
    DomainFacts facts;
    std::uint64_t facts_pass = 0;          // the observation that read them
    std::uint64_t differs_since_pass = 0;  // the one that told another maximum; 0 = none
    Time facts_at{};                       //
    bool job_asked = false;                // whether one runs
    Freshness freshness;
    std::uint64_t major_faults = kUnknownBytes;  // as last told
    std::uint64_t doubted_update_s = 0;          // the update in which a count went back
    bool told_paused = false;                    // the controller's last word from us
    bool told_migrating = false;                 //
    std::uint64_t total_bytes = 0;
    std::uint64_t ballooned_bytes = 0;  // see MemoryFigures
    std::uint64_t loaned_bytes = 0;
    bool was_out_of_sight = false;                 // for a while, and ran on
    bool balloon_told = false;                     // its size was told before
    std::uint64_t unmanaged_bytes = 0;             // of its total, see stats_sample.h
    Time resized_at{};                             // its balloon or its memory was of another size
    std::uint64_t pass = 0;                        // last observation that held it
    const virDomainStatsRecord* record = nullptr;  // of that observation, while it lasts
    // A domain that keeps libvirt waiting is not asked each tick.
    Backoff calls{std::chrono::seconds(1), std::chrono::minutes(1)};
    // One that sends no statistics has their period set again.
    Backoff period{std::chrono::seconds(1), std::chrono::minutes(1)};
};

// The loop's thread only.
class Observer {
  public:
    // `relay` outlives it. `stats_period_s` is how often guests are to send statistics; 0 = as they
    // do.
    Observer(EventRelay& relay, std::uint32_t stats_period_s)
        : relay_(relay), stats_period_s_(stats_period_s) {}

    // A new connection: what was read over the old one is void, the rows stay.
    void forget_connection() noexcept;

    // What was told since the last observation; before the records are read, so that they are newer
    // than every note.
    void apply_notes(Time now);
    // Makes the rows those of the bulk call's answer, and asks for the XML of domains that are new
    // or have changed. True where there were any.
    bool follow(const BulkRecords& answer, Time now, DomainTable& table, DomainCalls& calls);
    // Fills the rows from the answer that follow() was given, which still has to be there. `wall`
    // is the hypervisor's time where its clock is ours. Where a guest's statistics come too rarely,
    // their period is set again.
    void fill(Time now, std::optional<WallTime> wall, DomainTable& table, DomainCalls& calls);
    // What is known of the row's domain; nullptr where nothing is.
    const DomainFacts* facts_of(std::size_t row) const noexcept {
        return domains_[row].facts_known ? &domains_[row].facts : nullptr;
    }

    // Ends of calls that were asked for.
    void take_facts(LibvirtDomain& domain, const CallOutcome& outcome, Time now);
    void take_job(LibvirtDomain& domain, const CallOutcome& outcome);

    // The domain of that row if it still has this key, else wherever it is now; nullptr if it is
    // gone. Valid until the next observe().
    LibvirtDomain* find(std::size_t row, const DomainKey& key) noexcept;
    const LibvirtDomain* find(const DomainKey& key) const noexcept;

  private:
    void take_record(const virDomainStatsRecord& record, std::size_t likely_row, Time now,
                     DomainTable& table);
    LibvirtDomain& add(const DomainKey& key, Time now, DomainTable& table);
    void remove_unseen(DomainTable& table);
    void reconcile(LibvirtDomain& domain, DomainFlags state, DomainCalls& calls);
    DomainFlags look_at_statistics(LibvirtDomain& domain, const StatsSample& sample, Time now,
                                   std::optional<WallTime> wall, DomainCalls& calls);
    void fill(std::size_t row, const StatsSample& sample, DomainFlags flags, Time now,
              DomainTable& table);
    bool sample_and_facts_differ(const StatsSample& sample, LibvirtDomain& domain);

    EventRelay& relay_;
    const std::uint32_t stats_period_s_;
    std::uint64_t pass_ = 0;
    std::uint64_t membership_ = 0;
    std::vector<LibvirtDomain> domains_;  // one per row
    std::unordered_map<DomainKey, std::size_t> row_of_;
    std::unordered_map<DomainKey, int> removed_;  // libvirt's number of the run that was seen last
    std::vector<Note> notes_;
};

}  // namespace ballast
