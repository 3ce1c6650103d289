#include "controller/book_keeper.h"

#include <algorithm>
#include <utility>

namespace ballast {
namespace {

// Where more than that went and have not come back, those are forgotten of which nothing is left to
// know.
constexpr std::size_t kMostAbsent = 100000;

StoredBooks books_of(const DomainControl& control) noexcept {
    return {control.original_loaned_bytes, control.oom_freed_bytes, control.known_loaned_bytes,
            control.set_bytes, control.borrowed_bytes};
}

bool is_worthless(const DepartedBooks& departed) noexcept {
    return departed.books.loaned_bytes <= departed.books.original_loaned_bytes &&
           departed.books.oom_freed_bytes == 0 && departed.settings.empty();
}

}  // namespace

BookKeeper::BookKeeper(BookStore& store) : store_(store) {
    for (auto& [domain, row] : store.take_found()) {
        if (domain == kAllDomains)
            settings_for_all_ = std::move(row.settings);
        else
            absent_.emplace(domain, DepartedBooks{row.books, std::move(row.settings), {}});
    }
}

const DepartedBooks* BookKeeper::take(const DomainKey& domain, bool carried_over) {
    const auto found = absent_.find(domain);
    if (found == absent_.end()) return nullptr;
    taken_ = std::move(found->second);
    absent_.erase(found);
    if (!first_ && !carried_over) {
        store_.erase(domain);
        return nullptr;
    }
    return &taken_;
}

void BookKeeper::follow(const std::shared_ptr<const DomainNames>& names) {
    if (names_ == names) return;
    std::unordered_map<DomainKey, Kept> before;
    for (std::size_t row = 0; row < kept_.size(); ++row)
        before.emplace(names_->key[row], std::move(kept_[row]));
    names_ = names;
    kept_.assign(names->key.size(), {});
    for (std::size_t row = 0; row < kept_.size(); ++row) {
        const auto found = before.find(names->key[row]);
        if (found == before.end()) continue;
        kept_[row] = std::move(found->second);
        before.erase(found);
    }
    for (auto& [key, gone] : before)
        if (gone.known) absent_.insert_or_assign(key, std::move(gone.latest));
    forget_worthless();
}

void BookKeeper::forget_worthless() {
    if (absent_.size() <= kMostAbsent) return;
    std::erase_if(absent_, [this](const auto& entry) {
        if (!is_worthless(entry.second)) return false;
        store_.erase(entry.first);
        return true;
    });
}

bool BookKeeper::owes() const noexcept {
    return first_ && std::any_of(absent_.begin(), absent_.end(), [](const auto& entry) {
               const StoredBooks& books = entry.second.books;
               return books.loaned_bytes > books.original_loaned_bytes ||
                      (books.set_bytes != kUnknownBytes &&
                       books.set_bytes > books.original_loaned_bytes);
           });
}

bool BookKeeper::is_durable(std::size_t row, std::uint64_t original_loaned_bytes) const noexcept {
    if (row >= kept_.size()) return false;
    const Kept& kept = kept_[row];
    return kept.known && kept.latest.books.original_loaned_bytes == original_loaned_bytes &&
           kept.ticket <= store_.durable();
}

void BookKeeper::put(std::size_t row, const StoredBooks& books) {
    Kept& kept = kept_[row];
    const bool is_new =
        !kept.known || kept.latest.books.original_loaned_bytes != books.original_loaned_bytes;
    const auto ticket =
        store_.put(names_->key[row], {names_->name[row], books, kept.latest.settings});
    if (is_new) kept.ticket = ticket;
    kept.latest.books = books;
    kept.known = true;
}

void BookKeeper::keep(std::span<const DomainControl> controls) {
    first_ = false;
    for (std::size_t row = 0; row < kept_.size(); ++row) {
        if (!controls[row].adopted) continue;
        const StoredBooks now = books_of(controls[row]);
        Kept& kept = kept_[row];
        kept.latest.told = controls[row].carried;
        if (!kept.known || kept.latest.books != now) put(row, now);
    }
}

void BookKeeper::keep_settings_for_all(std::string settings) {
    settings_for_all_ = std::move(settings);
    store_.put(kAllDomains, {"all domains", {}, settings_for_all_});
}

void BookKeeper::keep_settings(std::size_t row, std::string settings) {
    if (row >= kept_.size()) return;
    kept_[row].latest.settings = std::move(settings);
    // One that is not adopted yet is written together with its books.
    if (kept_[row].known) put(row, kept_[row].latest.books);
}

StateHealth BookKeeper::health() const {
    StateHealth health;
    health.path = store_.path();
    health.damage = store_.damage();
    health.write_error = store_.write_error();
    return health;
}

}  // namespace ballast
