// Takes over domains that come: from where their books left off, or as they are.
#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/saturating.h"
#include "base/units.h"
#include "controller/controller_state.h"

namespace ballast {
namespace {

// What was read from disk may be damaged: as with metadata, an impossible original size makes it
// worth nothing. The rest is bounded by what the domain can have. Pure.
std::optional<StoredBooks> plausible(StoredBooks stored, std::uint64_t total_bytes) noexcept {
    if (stored.original_loaned_bytes > total_bytes) return std::nullopt;
    stored.oom_freed_bytes = std::min(stored.oom_freed_bytes, total_bytes);
    stored.loaned_bytes = std::min(stored.loaned_bytes, total_bytes);
    stored.borrowed_bytes = std::min(stored.borrowed_bytes, total_bytes);
    if (stored.set_bytes != kUnknownBytes)
        stored.set_bytes = std::min(stored.set_bytes, total_bytes);
    return stored;
}

}  // namespace

void Controller::State::adopt_new_rows() {
    const auto controls = ledger.controls();
    for (std::size_t row = 0; row < controls.size(); ++row) {
        DomainControl& control = controls[row];
        if (control.adopted) continue;
        const std::uint64_t loaned_bytes = seen.domains.loaned_bytes[row];
        control.original_loaned_bytes = loaned_bytes;
        control.known_loaned_bytes = loaned_bytes;
        control.loan_target_bytes = loaned_bytes;
        if (!control.fixed_is_configured) control.fixed_loan_bytes = loaned_bytes;
        control.adopted =
            take_over_books(row) || !has(seen.domains.flags[row], DomainFlags::starting);
    }
}

// What is known of a domain that comes. What travelled with it is newer than what was kept here
// when it went, unless it is what this daemon told it then: that is written now and then only.
std::optional<StoredBooks> Controller::State::books_of(std::size_t row) {
    const DomainKey& key = seen.domains.key[row];
    const bool carried_over = has(seen.domains.flags[row], DomainFlags::carried_over);
    const bool first = books != nullptr && books->first();
    // While a domain comes nobody can say whether it is restored; that shows once its guest runs.
    const bool coming = has(seen.domains.flags[row], DomainFlags::starting);
    if (coming && !carried_over && !first) return std::nullopt;
    const DepartedBooks* const kept = books == nullptr ? nullptr : books->take(key, carried_over);
    if (kept != nullptr && (first || !carried_over)) return kept->books;
    if (!carried_over) return std::nullopt;
    auto carried = backend.carried_books(key);
    const std::uint64_t total_bytes = seen.domains.total_bytes[row];
    if (carried &&
        std::max(carried->original_loaned_bytes, carried->oom_freed_bytes) > total_bytes) {
        log::warn(
            "{}: the books that came along tell of {} lent before and {} of credit; expected at "
            "most {}: ignored",
            seen.domains.name[row], format_size(carried->original_loaned_bytes),
            format_size(carried->oom_freed_bytes), format_size(total_bytes));
        carried.reset();
    }
    const bool kept_is_newer = kept != nullptr && (!carried || carried == kept->told);
    if (kept_is_newer) return kept->books;
    if (!carried) return std::nullopt;
    const bool as_kept = kept != nullptr &&
                         kept->books.original_loaned_bytes == carried->original_loaned_bytes &&
                         kept->books.oom_freed_bytes == carried->oom_freed_bytes;
    if (as_kept) return kept->books;
    StoredBooks arrived;
    arrived.original_loaned_bytes = carried->original_loaned_bytes;
    arrived.oom_freed_bytes = carried->oom_freed_bytes;
    arrived.loaned_bytes = seen.domains.loaned_bytes[row];
    return arrived;
}

// True if the domain goes on where its books left off. No balloon moves because of it.
bool Controller::State::take_over_books(std::size_t row) {
    const auto stored = books_of(row);
    if (!stored) return false;
    const std::uint64_t total_bytes = seen.domains.total_bytes[row];
    const auto kept = plausible(*stored, total_bytes);
    if (!kept) {
        log::warn(
            "{}: its stored state has {} lent before Ballast came, expected at most {}: "
            "ignored",
            seen.domains.name[row], format_size(stored->original_loaned_bytes),
            format_size(total_bytes));
        return false;
    }
    if (*kept != *stored)
        log::warn("{}: its stored state has figures beyond its memory of {}: bounded",
                  seen.domains.name[row], format_size(total_bytes));
    const bool arrived = has(seen.domains.flags[row], DomainFlags::carried_over);
    DomainControl& control = ledger.controls()[row];
    const std::uint64_t loaned_bytes = seen.domains.loaned_bytes[row];
    control.original_loaned_bytes = kept->original_loaned_bytes;
    control.oom_freed_bytes = kept->oom_freed_bytes;
    // The credit comes off again; what was lent for reservations, which nobody knows of now, goes
    // back.
    if (!control.fixed_is_configured)
        control.fixed_loan_bytes =
            std::min(less(loaned_bytes, kept->borrowed_bytes) + control.oom_freed_bytes,
                     seen.domains.total_bytes[row]);
    // Without a set value it may still be on its way to any.
    control.asked_bytes = kept->set_bytes == kUnknownBytes && arrived
                              ? seen.domains.total_bytes[row]
                              : kept->set_bytes;
    if (kept->set_bytes != kUnknownBytes && loaned_bytes == kept->set_bytes) {
        control.set_bytes = kept->set_bytes;
        control.floor_bytes = kept->set_bytes;
        control.reached_set = true;
    }
    log::info(
        "{}: lends {}, and {} when it was last seen; {} of it are not ours to give back; its "
        "OOM credit is {}",
        seen.domains.name[row], format_size(loaned_bytes), format_size(kept->loaned_bytes),
        format_size(control.original_loaned_bytes), format_size(control.oom_freed_bytes));
    return true;
}

}  // namespace ballast
