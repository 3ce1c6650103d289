// What a policy remembers of each domain, kept beside the rows of the observation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "model/domain.h"

namespace ballast {

// Follows domains from row to row by their keys. One thread; allocates only when rows change.
class RowFollower {
  public:
    // Brings each column into the order of today's rows. What belongs to a domain that has gone is
    // dropped; a new domain's entry is as its type makes it. True if rows changed since the last
    // call, or this is the first.
    template <class... Values>
    bool follow(const DomainTable& domains, std::vector<Values>&... columns) {
        if (!changed(domains)) return false;
        (carry(columns), ...);
        return true;
    }

  private:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    bool changed(const DomainTable& domains);

    template <class Value>
    void carry(std::vector<Value>& column) const {
        std::vector<Value> next(old_rows_.size());
        for (std::size_t row = 0; row < next.size(); ++row)
            if (old_rows_[row] != none) next[row] = std::move(column[old_rows_[row]]);
        column = std::move(next);
    }

    bool begun_ = false;
    std::uint64_t membership_ = 0;
    std::vector<DomainKey> keys_;        // by row, as they were
    std::vector<std::size_t> old_rows_;  // by row: where it stood before, or none
};

// One column of states that follow their domains; a new domain's is State{}.
template <class State>
class RowStates {
  public:
    // True if the rows are others than last time. Allocates only then.
    bool follow(const DomainTable& domains) { return follower_.follow(domains, states_); }
    State& operator[](std::size_t row) { return states_[row]; }
    std::size_t size() const noexcept { return states_.size(); }

  private:
    RowFollower follower_;
    std::vector<State> states_;
};

}  // namespace ballast
