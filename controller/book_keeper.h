// Keeps the books of domains that are not there: of a daemon before this one, and of domains that
// went and may come back as they were.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "controller/book_store.h"
#include "controller/domain_control.h"
#include "model/snapshot.h"

namespace ballast {

// What was known of a domain when it was last here.
struct DepartedBooks {
    StoredBooks books;
    std::string settings;  // made at run time, see runtime_settings.h
    // What the hypervisor was told last to keep with it; nothing after a restart of the daemon.
    std::optional<CarriedBooks> told;
};

// Loop's thread only.
class BookKeeper {
  public:
    // `store` outlives it.
    explicit BookKeeper(BookStore& store);

    // The books of a domain that came, where they still hold: at the first observation of this
    // daemon, or where it goes on from what it was (`carried_over`). nullptr, and they are
    // forgotten: it is another run of the domain, and begins anew. Valid until the next call.
    const DepartedBooks* take(const DomainKey& domain, bool carried_over);
    // Nothing was kept yet: what was found is of a daemon before this one.
    bool first() const noexcept { return first_; }
    // The file was damaged when this daemon started: rows of it may be missing, or old.
    bool was_damaged() const noexcept { return !store_.damage().empty(); }

    // Domains that nobody has observed yet lend what was lent by a daemon before this one.
    bool owes() const noexcept;

    // After each observation, before anything is asked about its rows.
    void follow(const std::shared_ptr<const DomainNames>& names);
    // Whether it is on disk that so much of the domain's loan is not ours to give back.
    bool is_durable(std::size_t row, std::uint64_t original_loaned_bytes) const noexcept;
    // After each tick that observed: writes what has changed.
    void keep(std::span<const DomainControl> controls);

    const std::string& settings_for_all() const noexcept { return settings_for_all_; }
    void keep_settings_for_all(std::string settings);
    void keep_settings(std::size_t row, std::string settings);

    // For people: where the state is, and what is wrong with it.
    StateHealth health() const;
    bool can_write() const { return store_.write_error().empty(); }

  private:
    struct Kept {
        DepartedBooks latest;
        bool known = false;
        BookStore::Ticket ticket = 0;  // since when the original size is as it is
    };
    void put(std::size_t row, const StoredBooks& books);
    void forget_worthless();

    BookStore& store_;
    std::unordered_map<DomainKey, DepartedBooks> absent_;
    std::string settings_for_all_;
    bool first_ = true;  // nothing was observed yet
    DepartedBooks taken_;
    std::shared_ptr<const DomainNames> names_;
    std::vector<Kept> kept_;  // by row
};

}  // namespace ballast
