// The books: one DomainControl per row of the last observation, kept in step with who is there.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "controller/resolve.h"
#include "model/host.h"
#include "model/snapshot.h"

namespace ballast {

// Loop's thread only. In memory: a domain that goes takes its books with it.
class Ledger {
  public:
    // Rows follow `domains` from now on; books move with their keys, new domains get theirs from
    // `settings`. Linear in domains; hashes only rows that changed. Returns the rows that are new.
    std::vector<std::size_t> follow(const DomainTable& domains, const Settings& settings,
                                    const RuntimeSettings& runtime);

    // Settings changed: resolves them again for one row.
    void resolve(std::size_t row, const Settings& settings, const RuntimeSettings& runtime);

    std::span<DomainControl> controls() noexcept { return controls_; }
    std::span<const DomainControl> controls() const noexcept { return controls_; }
    const std::shared_ptr<const DomainNames>& names() const noexcept { return names_; }
    // The row of a key, or npos.
    std::size_t row_of(const DomainKey& key) const noexcept;
    static constexpr std::size_t npos = static_cast<std::size_t>(-1);

    // What an operator set for this row while running; created on first use.
    DomainOverride& own_settings(std::size_t row);
    std::size_t domains_with_settings() const noexcept { return own_settings_.size(); }

    // Moved since start by domains that have gone.
    std::uint64_t gone_inflated_bytes() const noexcept { return gone_inflated_bytes_; }
    std::uint64_t gone_deflated_bytes() const noexcept { return gone_deflated_bytes_; }

  private:
    std::vector<DomainControl> controls_;
    std::shared_ptr<const DomainNames> names_ = std::make_shared<DomainNames>();
    std::unordered_map<DomainKey, std::size_t> row_by_key_;
    std::unordered_map<DomainKey, DomainOverride> own_settings_;
    std::uint64_t gone_inflated_bytes_ = 0;
    std::uint64_t gone_deflated_bytes_ = 0;
};

}  // namespace ballast
