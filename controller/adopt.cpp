// Takes over domains that come: from where their books left off, or as they are.
#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/saturating.h"
#include "base/units.h"
#include "controller/controller_state.h"
#include "controller/runtime_settings.h"

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
    const bool first = books != nullptr && books->first();
    std::uint64_t taken = 0;
    std::uint64_t lent = 0;
    std::uint64_t original = 0;
    std::uint64_t credit = 0;
    for (std::size_t row = 0; row < controls.size(); ++row) {
        DomainControl& control = controls[row];
        if (control.adopted) continue;
        control.here_at_start = control.here_at_start || first;
        const std::uint64_t loaned_bytes = seen.domains.loaned_bytes[row];
        control.original_loaned_bytes = loaned_bytes;
        control.known_loaned_bytes = loaned_bytes;
        control.loan_target_bytes = loaned_bytes;
        if (!control.fixed_is_configured) control.fixed_loan_bytes = loaned_bytes;
        const bool starting = has(seen.domains.flags[row], DomainFlags::starting);
        const bool known = take_over_books(row);
        control.adopted = known || !starting;
        if (known && control.here_at_start) {
            ++taken;
            lent += loaned_bytes;
            original += control.original_loaned_bytes;
            credit += control.oom_freed_bytes;
        } else if (control.here_at_start && control.adopted && loaned_bytes > 0) {
            log::warn("{}: lends {}, and nothing is known of it: it keeps that size",
                      seen.domains.name[row], format_size(loaned_bytes));
        }
    }
    if (taken > 0)
        log::info(
            "took over {} domains from a daemon before: they lend {}, of which {} are not ours to "
            "give back; their OOM credit is {}",
            taken, format_size(lent), format_size(original), format_size(credit));
}

std::optional<CarriedBooks> Controller::State::plausible_carried_books(std::size_t row) const {
    const auto carried = backend.carried_books(seen.domains.key[row]);
    const std::uint64_t total_bytes = seen.domains.total_bytes[row];
    if (!carried ||
        std::max(carried->original_loaned_bytes, carried->oom_freed_bytes) <= total_bytes)
        return carried;
    log::warn(
        "{}: the books that came along tell of {} lent before and {} of credit; expected at "
        "most {}: ignored",
        seen.domains.name[row], format_size(carried->original_loaned_bytes),
        format_size(carried->oom_freed_bytes), format_size(total_bytes));
    return std::nullopt;
}

// What is known of a domain that arrives. Its metadata is newer than the row that was kept here
// when it left, unless this daemon wrote that metadata itself: it does so only now and then. The
// row that an earlier daemon kept here is the newest, unless the file was damaged.
std::optional<Controller::State::TakenOver> Controller::State::books_of(std::size_t row) {
    const DomainKey& key = seen.domains.key[row];
    const bool carried_over = has(seen.domains.flags[row], DomainFlags::carried_over);
    const bool first = ledger.controls()[row].here_at_start;
    // While a domain comes nobody can say whether it is restored; that shows once its guest runs.
    const bool coming = has(seen.domains.flags[row], DomainFlags::starting);
    if (coming && !carried_over && !first) return std::nullopt;
    const DepartedBooks* const kept =
        books == nullptr ? nullptr : books->take(key, carried_over || first);
    if (!carried_over && !first) return std::nullopt;
    std::optional<TakenOver> here;
    if (kept != nullptr) here = TakenOver{kept->books, kept->settings};
    if (here && first && !books->was_damaged()) return here;
    const auto carried = plausible_carried_books(row);
    if (!carried || (kept != nullptr && !first && carried == kept->told)) return here;
    const bool as_kept = here &&
                         here->books.original_loaned_bytes == carried->original_loaned_bytes &&
                         here->books.oom_freed_bytes == carried->oom_freed_bytes;
    if (as_kept) return here;
    TakenOver arrived;
    arrived.books.original_loaned_bytes = carried->original_loaned_bytes;
    arrived.books.oom_freed_bytes = carried->oom_freed_bytes;
    arrived.books.loaned_bytes = seen.domains.loaned_bytes[row];
    if (here) arrived.settings = here->settings;
    arrived.from_hypervisor = first;
    return arrived;
}

void Controller::State::apply_stored_settings(std::size_t row, const std::string& text) {
    if (text.empty()) return;
    ledger.own_settings(row) = domain_settings_from(text, seen.domains.name[row]);
    ledger.resolve(row, settings, runtime);
    books->keep_settings(row, text);
    backend.set_guest_tunables(seen.domains.key[row], {ledger.controls()[row].oom_release_bytes});
}

void Controller::State::log_taken_over(std::size_t row, const TakenOver& taken) {
    const DomainControl& control = ledger.controls()[row];
    const std::uint64_t loaned_bytes = seen.domains.loaned_bytes[row];
    const std::string text = fmt::format(
        "{}: lends {}, and {} when it was last seen; {} of it are not ours to give back; its "
        "OOM credit is {}",
        seen.domains.name[row], format_size(loaned_bytes), format_size(taken.books.loaned_bytes),
        format_size(control.original_loaned_bytes), format_size(control.oom_freed_bytes));
    if (taken.from_hypervisor) {
        ++recovered_domains;
        log::warn("{}; taken over from its metadata, as the state on disk was lost", text);
    } else if (control.here_at_start) {
        log::debug("{}", text);  // a host has thousands of them
    } else {
        log::info("{}", text);
    }
}

// True if the domain goes on where its books left off. No balloon moves because of it.
bool Controller::State::take_over_books(std::size_t row) {
    const auto taken = books_of(row);
    if (!taken) return false;
    const std::uint64_t total_bytes = seen.domains.total_bytes[row];
    const auto kept = plausible(taken->books, total_bytes);
    if (!kept) {
        log::warn(
            "{}: its stored state has {} lent before Ballast came, expected at most {}: "
            "ignored",
            seen.domains.name[row], format_size(taken->books.original_loaned_bytes),
            format_size(total_bytes));
        return false;
    }
    if (*kept != taken->books)
        log::warn("{}: its stored state has figures beyond its memory of {}: bounded",
                  seen.domains.name[row], format_size(total_bytes));
    const bool arrived = has(seen.domains.flags[row], DomainFlags::carried_over);
    apply_stored_settings(row, taken->settings);
    DomainControl& control = ledger.controls()[row];
    const std::uint64_t loaned_bytes = seen.domains.loaned_bytes[row];
    control.original_loaned_bytes = kept->original_loaned_bytes;
    control.oom_freed_bytes = kept->oom_freed_bytes;
    // The credit comes off again; what was lent for reservations, which nobody knows of now, goes
    // back.
    if (!control.fixed_is_configured)
        control.fixed_loan_bytes = std::min(
            less(loaned_bytes, kept->borrowed_bytes) + control.oom_freed_bytes, total_bytes);
    // A daemon that was killed may have set something later than it wrote; without a set value it
    // may still be on its way to any.
    control.in_doubt = control.here_at_start;
    const bool any = control.in_doubt || (kept->set_bytes == kUnknownBytes && arrived);
    control.asked_bytes = any ? total_bytes : kept->set_bytes;
    if (kept->set_bytes != kUnknownBytes && loaned_bytes == kept->set_bytes) {
        control.set_bytes = kept->set_bytes;
        control.floor_bytes = kept->set_bytes;
        control.reached_set = true;
    }
    log_taken_over(row, *taken);
    return true;
}

}  // namespace ballast
