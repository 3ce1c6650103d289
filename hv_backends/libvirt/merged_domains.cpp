#include "hv_backends/libvirt/merged_domains.h"

namespace ballast {
namespace {

// Whether the domain surely runs there, and nowhere else: one that migrates is on both sides.
bool runs_at(const ToldDomains& told, std::size_t row) noexcept {
    constexpr DomainFlags kElsewhere =
        DomainFlags::paused | DomainFlags::migrating | DomainFlags::saving | DomainFlags::crashed;
    return told.answered && (told.table->flags[row] & kElsewhere) == DomainFlags::none;
}

}  // namespace

void MergedDomains::forget() {
    membership_told_.clear();
    keys_.clear();
    places_.clear();
    row_of_.clear();
}

bool MergedDomains::same_rows(std::span<const ToldDomains> told,
                              const DomainTable& into) const noexcept {
    if (rivals_ || membership_told_.size() != told.size()) return false;
    for (std::size_t connection = 0; connection < told.size(); ++connection)
        if (told[connection].table->membership != membership_told_[connection]) return false;
    return into.membership == membership_ && into.size() == keys_.size();
}

// Each domain's best place.
MergedDomains::Claims MergedDomains::claims(std::span<const ToldDomains> told) {
    Claims best;
    rivals_ = false;
    for (std::size_t connection = 0; connection < told.size(); ++connection) {
        const DomainTable& table = *told[connection].table;
        for (std::size_t row = 0; row < table.size(); ++row) {
            const auto [found, first] = best.try_emplace(table.key[row], Place{connection, row});
            if (first) continue;
            rivals_ = true;
            Place& holder = found->second;
            const bool runs_here = runs_at(told[connection], row);
            const bool runs_there = runs_at(told[holder.connection], holder.row);
            const auto known = row_of_.find(table.key[row]);
            const bool was_here =
                known != row_of_.end() && places_[known->second].connection == connection;
            if (runs_here != runs_there ? runs_here : was_here) holder = {connection, row};
        }
    }
    return best;
}

// Rows that stay keep their order; those that go are replaced by the last.
void MergedDomains::settle(std::span<const ToldDomains> told) {
    Claims best = claims(told);
    for (std::size_t row = 0; row < keys_.size();) {
        const auto found = best.find(keys_[row]);
        if (found != best.end()) {
            places_[row] = found->second;
            best.erase(found);
            ++row;
            continue;
        }
        keys_[row] = keys_.back();
        keys_.pop_back();
        places_[row] = places_.back();
        places_.pop_back();
    }
    for (std::size_t connection = 0; connection < told.size(); ++connection) {
        const DomainTable& table = *told[connection].table;
        for (std::size_t row = 0; row < table.size(); ++row) {
            const auto found = best.find(table.key[row]);
            if (found == best.end() || found->second != Place{connection, row}) continue;
            keys_.push_back(table.key[row]);
            places_.push_back({connection, row});
        }
    }
    row_of_.clear();
    for (std::size_t row = 0; row < keys_.size(); ++row) row_of_.emplace(keys_[row], row);
    membership_told_.clear();
    for (const ToldDomains& one : told) membership_told_.push_back(one.table->membership);
}

void MergedDomains::name_rows(std::span<const ToldDomains> told, DomainTable& into) {
    bool changed = into.membership != membership_ || into.size() != keys_.size();
    into.resize(keys_.size());
    for (std::size_t row = 0; row < keys_.size(); ++row) {
        const Place& place = places_[row];
        const std::string& name = told[place.connection].table->name[place.row];
        const std::string_view host = told[place.connection].host;
        if (into.key[row] == keys_[row] && into.name[row] == name && into.host[row] == host)
            continue;
        into.key[row] = keys_[row];
        into.name[row] = name;
        into.host[row] = host;
        changed = true;
    }
    if (changed) into.membership = ++membership_;
}

bool MergedDomains::merge(std::span<const ToldDomains> told, DomainTable& into) {
    const bool settled_before = same_rows(told, into);
    if (!settled_before) {
        settle(told);
        name_rows(told, into);
    }
    for (std::size_t row = 0; row < places_.size(); ++row) {
        const Place& place = places_[row];
        const ToldDomains& source = told[place.connection];
        into.copy_figures(row, *source.table, place.row);
        if (!source.answered) into.flags[row] = into.flags[row] | DomainFlags::unanswered;
        if (source.late_start) into.flags[row] = into.flags[row] | DomainFlags::carried_over;
    }
    return !settled_before;
}

std::optional<MergedDomains::Place> MergedDomains::find(std::size_t row,
                                                        const DomainKey& key) const noexcept {
    if (row < keys_.size() && keys_[row] == key) return places_[row];
    const auto found = row_of_.find(key);
    if (found == row_of_.end()) return std::nullopt;
    return places_[found->second];
}

MergedDomains::Owners MergedDomains::owners() const {
    Owners owners;
    owners.reserve(keys_.size());
    for (std::size_t row = 0; row < keys_.size(); ++row)
        owners.emplace(keys_[row], places_[row].connection);
    return owners;
}

}  // namespace ballast
