#include "controller/ledger.h"

#include <algorithm>
#include <utility>

namespace ballast {
namespace {

// What a domain had moved that is no longer in its row.
struct Left {
    DomainKey key;
    std::uint64_t inflated_bytes;
    std::uint64_t deflated_bytes;
};

}  // namespace

std::vector<std::size_t> Ledger::follow(const DomainTable& domains, const Settings& settings,
                                        const RuntimeSettings& runtime) {
    const auto previous_names = std::move(names_);
    std::vector<std::size_t> changed;
    for (std::size_t row = 0; row < domains.size(); ++row) {
        if (row >= previous_names->key.size() || previous_names->key[row] != domains.key[row]) {
            changed.push_back(row);
        }
    }

    // Books of the changed rows come from where their key was before; read all before writing any.
    std::vector<std::pair<DomainControl, bool>> books;
    books.reserve(changed.size());
    for (const std::size_t row : changed) {
        const auto found = row_by_key_.find(domains.key[row]);
        const bool known = found != row_by_key_.end();
        books.emplace_back(known ? controls_[found->second] : DomainControl{}, !known);
    }
    std::vector<Left> left;
    for (std::size_t row = 0; row < previous_names->key.size(); ++row) {
        const bool moved = row >= domains.size() || domains.key[row] != previous_names->key[row];
        if (!moved) continue;
        row_by_key_.erase(previous_names->key[row]);
        left.push_back({previous_names->key[row], controls_[row].inflated_total_bytes,
                        controls_[row].deflated_total_bytes});
    }
    controls_.resize(domains.size());
    names_ = std::make_shared<DomainNames>(DomainNames{domains.key, domains.name, domains.host});

    std::vector<std::size_t> fresh;
    for (std::size_t i = 0; i < changed.size(); ++i) {
        const std::size_t row = changed[i];
        controls_[row] = books[i].first;
        row_by_key_[domains.key[row]] = row;
        if (books[i].second) {
            fresh.push_back(row);
            resolve(row, settings, runtime);
        }
    }
    for (const Left& row : left) {
        if (row_by_key_.contains(row.key)) continue;  // elsewhere in the table
        gone_inflated_bytes_ += row.inflated_bytes;
        gone_deflated_bytes_ += row.deflated_bytes;
    }
    std::erase_if(own_settings_,
                  [&](const auto& entry) { return !row_by_key_.contains(entry.first); });
    return fresh;
}

void Ledger::resolve(std::size_t row, const Settings& settings, const RuntimeSettings& runtime) {
    const auto own = own_settings_.find(names_->key[row]);
    resolve_settings(settings, runtime, own == own_settings_.end() ? nullptr : &own->second,
                     names_->name[row], controls_[row]);
}

std::size_t Ledger::row_of(const DomainKey& key) const noexcept {
    const auto found = row_by_key_.find(key);
    return found == row_by_key_.end() ? npos : found->second;
}

DomainOverride& Ledger::own_settings(std::size_t row) {
    return own_settings_[names_->key[row]];
}

}  // namespace ballast
