// Moves of an asynchronous backend that were accepted and came to nothing: how long to wait before
// the next attempt, and what to tell people.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "controller/domain_control.h"

namespace ballast {

// Books that a move of the domain, which lends `loaned_bytes`, failed at `now`. The wait before the
// next attempt doubles from 1 s to 1 min. Constraint::none counts as backend_error.
void book_failed_move(FailedMove& failed, Constraint constraint, std::uint64_t loaned_bytes,
                      Time now) noexcept;
// Whether the next attempt has to wait. An `urgent` one (the guest is short of memory) waits for at
// most 5 s. Failures whose pauses the backend keeps itself (`stuck`) never wait here.
bool has_to_wait(const FailedMove& failed, bool urgent, Time now) noexcept;
// Whether the hypervisor has obeyed since: the balloon has moved, or the call made at
// asked_again_at did not fail within 5 s.
bool is_over(const FailedMove& failed, std::uint64_t loaned_bytes, Time now) noexcept;

// What the hypervisor said about each domain whose last move failed. Loop's thread only.
class FailureTexts {
  public:
    // True where no domain has this text now: people should be told.
    bool set(const DomainKey& domain, std::string text);
    void erase(const DomainKey& domain);
    bool empty() const noexcept { return by_domain_.empty(); }
    // Empty for a domain that is not there.
    std::string_view of(const DomainKey& domain) const;
    // Forgets domains for which `is_there` is false.
    template <class IsThere>
    void keep_only(IsThere is_there) {
        for (auto one = by_domain_.begin(); one != by_domain_.end();) {
            const DomainKey domain = one->first;
            ++one;
            if (!is_there(domain)) erase(domain);
        }
    }

  private:
    std::unordered_map<DomainKey, std::string> by_domain_;
    std::unordered_map<std::string, std::size_t> domains_with_;  // by text
};

}  // namespace ballast
