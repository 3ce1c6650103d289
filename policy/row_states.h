// What a policy remembers of each domain, row by row.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "model/domain.h"

namespace ballast {

// States follow their domains by key when rows come, go or move; a new domain's is State{}.
template <class State>
class RowStates {
  public:
    // True if the rows are others than last time. Allocates only then.
    bool follow(const DomainTable& domains) {
        if (membership_ == domains.membership && keys_.size() == domains.size()) return false;
        std::vector<std::size_t> by_key(keys_.size());
        std::iota(by_key.begin(), by_key.end(), std::size_t{0});
        std::sort(by_key.begin(), by_key.end(),
                  [this](std::size_t a, std::size_t b) { return keys_[a] < keys_[b]; });
        std::vector<State> states(domains.size());
        for (std::size_t row = 0; row < domains.size(); ++row) {
            const auto found = std::lower_bound(
                by_key.begin(), by_key.end(), domains.key[row],
                [this](std::size_t old, const DomainKey& key) { return keys_[old] < key; });
            if (found != by_key.end() && keys_[*found] == domains.key[row])
                states[row] = states_[*found];
        }
        keys_ = domains.key;
        states_ = std::move(states);
        membership_ = domains.membership;
        return true;
    }

    State& operator[](std::size_t row) { return states_[row]; }
    std::size_t size() const noexcept { return states_.size(); }

  private:
    std::optional<std::uint64_t> membership_;
    std::vector<DomainKey> keys_;
    std::vector<State> states_;
};

// The row's value in a column of PolicyInputs, which may be left out.
template <class Value>
Value value_or(std::span<const Value> column, std::size_t row, Value otherwise) {
    return row < column.size() ? column[row] : otherwise;
}

}  // namespace ballast
