// The domains of several connections as one table, each domain once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/domain.h"

namespace ballast {

// What one connection has told.
struct ToldDomains {
    const DomainTable* table = nullptr;  // of its last answer; without rows before the first
    bool answered = false;               // that was this time
    // Its first answer, and others came before: its domains are not new, they were out of sight.
    bool late_start = false;
    std::string_view host{};  // where its domains are
};

// The loop's thread only.
class MergedDomains {
  public:
    // Where a domain's figures come from.
    struct Place {
        std::size_t connection = 0;
        std::size_t row = 0;  // in that connection's table
        friend bool operator==(const Place&, const Place&) = default;
    };
    using Owners = std::unordered_map<DomainKey, std::size_t>;

    // Refills `into` with one row for each domain that some connection has told, in a lasting
    // order; membership rises where rows changed. Rows of a connection that did not answer this
    // time are as it told them last, and `unanswered`. A domain that several tell of is the one's
    // where it runs; where that does not decide it, it stays with whose it was. True: it may be
    // another's now than before, see owners().
    bool merge(std::span<const ToldDomains> told, DomainTable& into);
    // The connections have forgotten what they told: rows are found out anew.
    void forget();

    // The domain of that row if it still has this key, else wherever it is now; nullopt = gone.
    std::optional<Place> find(std::size_t row, const DomainKey& key) const noexcept;
    // Which connection each domain belongs to. Made anew.
    Owners owners() const;

  private:
    using Claims = std::unordered_map<DomainKey, Place>;

    bool same_rows(std::span<const ToldDomains> told, const DomainTable& into) const noexcept;
    Claims claims(std::span<const ToldDomains> told);
    void settle(std::span<const ToldDomains> told);
    void name_rows(std::span<const ToldDomains> told, DomainTable& into);

    std::vector<std::uint64_t> membership_told_;  // by each connection, when rows were settled
    bool rivals_ = false;                         // some domain is told of twice
    std::uint64_t membership_ = 0;
    // By row.
    std::vector<DomainKey> keys_;
    std::vector<Place> places_;
    std::unordered_map<DomainKey, std::size_t> row_of_;
};

}  // namespace ballast
