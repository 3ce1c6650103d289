#include "hv_backends/libvirt/observer.h"

#include <utility>

#include "base/units.h"
#include "hv_backends/libvirt/event_subscription.h"

namespace ballast {
namespace {

// Domains that went are mostly gone for good.
constexpr std::size_t kMostRemoved = 10000;
constexpr std::uint8_t kPageShift = 12;  // virtio's balloon counts 4 KiB pages everywhere

}  // namespace

void Observer::forget_connection() noexcept {
    for (LibvirtDomain& domain : domains_) {
        domain.facts_state = FactsState::due;
        domain.facts_known = false;
        domain.job_asked = false;
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
                domain.facts_state = FactsState::due;
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
                domain.job_asked = false;  // that was the one before
                break;
            case Note::Kind::migration_ended:
                domain.told_migrating = false;
                break;
        }
    }
}

bool Observer::follow(const BulkRecords& answer, Time now, DomainTable& table, DomainCalls& calls) {
    if (table.size() != domains_.size()) {
        // Not the object of the last call: its rows are none of ours.
        for (const LibvirtDomain& domain : domains_) relay_.set_ballooned(domain.key, 0);
        domains_.clear();
        row_of_.clear();
        table.resize(0);
        ++membership_;
    }
    ++pass_;
    for (std::size_t i = 0; i < static_cast<std::size_t>(answer.count); ++i)
        take_record(*answer.records.get()[i], i, now, table);
    remove_unseen(table);
    table.membership = membership_;
    bool asked = false;
    for (LibvirtDomain& domain : domains_) {
        if (domain.facts_state != FactsState::due || !domain.calls.due(now)) continue;
        domain.facts_state = FactsState::asked;
        calls.read_facts(domain.key);
        asked = true;
    }
    return asked;
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
        const auto removed = removed_.find(key);
        domain->was_out_of_sight = removed != removed_.end() && removed->second == id;
        if (removed != removed_.end()) removed_.erase(removed);
    }
    const auto row = static_cast<std::size_t>(domain - domains_.data());
    domain->pass = pass_;
    const char* name = virDomainGetName(record.dom);
    if (name != nullptr && table.name[row] != name) {
        table.name[row] = name;
        ++membership_;
    }
    domain->record = &record;
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
        if (removed_.size() >= kMostRemoved) removed_.clear();
        removed_.insert_or_assign(domains_[row].key, domains_[row].id);
        if (row + 1 != domains_.size()) {
            domains_[row] = std::move(domains_.back());
            row_of_[domains_[row].key] = row;
        }
        domains_.pop_back();
        table.remove_row(row);
        ++membership_;
    }
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
