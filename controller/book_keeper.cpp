#include "controller/book_keeper.h"

#include <utility>

namespace ballast {
namespace {

// Books that do not change are written again now and then: those of nobody are forgotten by date.
constexpr Duration all_again_every = std::chrono::hours(24);

StoredBooks books_of(const DomainControl& control) noexcept {
    return {control.original_loaned_bytes, control.oom_freed_bytes, control.known_loaned_bytes,
            control.set_bytes, control.borrowed_bytes};
}

}  // namespace

BookKeeper::BookKeeper(BookStore& store, const Clock& clock) : store_(store), clock_(clock) {
    for (const auto& [domain, books] : store.found())
        absent_.emplace(domain, DepartedBooks{books, {}});
}

const DepartedBooks* BookKeeper::take(const DomainKey& domain, bool carried_over) {
    const auto found = absent_.find(domain);
    if (found == absent_.end()) return nullptr;
    taken_ = found->second;
    absent_.erase(found);
    if (first_ || carried_over) return &taken_;
    store_.erase(domain);
    return nullptr;
}

void BookKeeper::follow(const std::shared_ptr<const DomainNames>& names) {
    std::unordered_map<DomainKey, Kept> before;
    for (std::size_t row = 0; row < kept_.size(); ++row)
        before.emplace(names_->key[row], kept_[row]);
    names_ = names;
    kept_.assign(names->key.size(), {});
    for (std::size_t row = 0; row < kept_.size(); ++row) {
        const auto found = before.find(names->key[row]);
        if (found == before.end()) continue;
        kept_[row] = found->second;
        before.erase(found);
    }
    for (const auto& [key, gone] : before)
        if (gone.known) absent_.emplace(key, gone.latest);
}

void BookKeeper::keep(const std::shared_ptr<const DomainNames>& names,
                      std::span<const DomainControl> controls) {
    first_ = false;
    if (names_ != names) follow(names);
    const bool all = clock_.now() >= all_again_at_;
    if (all) all_again_at_ = clock_.now() + all_again_every;
    for (std::size_t row = 0; row < kept_.size(); ++row) {
        if (!controls[row].adopted) continue;
        const StoredBooks now = books_of(controls[row]);
        Kept& kept = kept_[row];
        kept.latest.told = controls[row].carried;
        if (kept.known && kept.latest.books == now && !all) continue;
        kept.latest.books = now;
        kept.known = true;
        store_.put(names->key[row], names->name[row], now);
    }
}

}  // namespace ballast
