// Keeps the books of domains that are not there: of a daemon before this one, and of domains that
// went and may come back as they were.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "controller/book_store.h"
#include "controller/domain_control.h"
#include "model/snapshot.h"

namespace ballast {

// What was known of a domain when it was last here.
struct DepartedBooks {
    StoredBooks books;
    // What the hypervisor was told last to keep with it; nothing after a restart of the daemon.
    std::optional<CarriedBooks> told;
};

// Loop's thread only.
class BookKeeper {
  public:
    // Both outlive it.
    BookKeeper(BookStore& store, const Clock& clock);

    // The books of a domain that came, where they still hold: at the first observation of this
    // daemon, or where it goes on from what it was (`carried_over`). nullptr, and they are
    // forgotten: it is another run of the domain, and begins anew. Valid until the next call.
    const DepartedBooks* take(const DomainKey& domain, bool carried_over);
    // Nothing was kept yet: what was found is of a daemon before this one.
    bool first() const noexcept { return first_; }
    // After each tick that observed: writes what has changed, and remembers who has gone.
    void keep(const std::shared_ptr<const DomainNames>& names,
              std::span<const DomainControl> controls);

  private:
    void follow(const std::shared_ptr<const DomainNames>& names);

    BookStore& store_;
    const Clock& clock_;
    std::unordered_map<DomainKey, DepartedBooks> absent_;
    bool first_ = true;  // nothing was observed yet
    DepartedBooks taken_;
    std::shared_ptr<const DomainNames> names_;
    struct Kept {
        DepartedBooks latest;
        bool known = false;
    };
    std::vector<Kept> kept_;  // by row
    Time all_again_at_{};
};

}  // namespace ballast
