// What the connections of one listening socket do, and which of them have to go.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>

#include "base/clock.h"

namespace ballast {

// How much a connection counts: one of a higher rank can take the place of one of the same or a
// lower one, never the other way round.
enum class Rank : unsigned char { other, group, root };

enum class Phase : unsigned char {
    idle,       // between two requests, or before the first line of the first one
    headers,    // the first line of a request has come
    body,       // its headers have come
    handling,   // its answer is being made
    sending,    // its answer is on its way
    streaming,  // its answer goes on for as long as the peer likes
};

// Any thread; short locks. A connection that is cut ends by itself soon afterwards and is removed
// then; until then it does not count any more.
class ConnectionTable {
  public:
    // How long each phase may take, however the peer dribbles. Zero: for ever.
    static Duration longest(Phase phase) noexcept;

    // Places that connections up to each rank can have together.
    using Places = std::array<std::size_t, 3>;

    // `cut` makes both ends of a connection's descriptor see its end; called with the lock held.
    ConnectionTable(const Places& places, const Clock& clock, std::function<void(int fd)> cut);

    // A connection has begun. Where its rank has no place left, the one that has been in its phase
    // longest (of no higher rank, neither handled nor streaming) is cut; where there is none, the
    // new one is.
    void add(int fd, Rank rank);
    void enter(int fd, Phase phase);
    // Before the descriptor is closed.
    void remove(int fd);
    // Cuts all whose phase has lasted too long; to be called every now and then.
    void cut_overdue();

    // That are not cut.
    std::size_t count() const;

  private:
    struct Entry {
        Rank rank;
        Phase phase;
        Time since;
        std::uint64_t order;  // of entering the phase
        bool is_cut;
    };
    using Entries = std::unordered_map<int, Entry>;

    std::size_t count_up_to(Rank rank) const;
    Entries::iterator longest_waiting(Rank up_to);
    void cut(Entries::value_type& entry);

    const Places places_;
    const Clock& clock_;
    const std::function<void(int fd)> cut_;
    mutable std::mutex mutex_;
    // Guarded by mutex_.
    Entries entries_;
    std::uint64_t entered_ = 0;
};

}  // namespace ballast
