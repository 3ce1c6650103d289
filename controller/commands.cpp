// What operators ask for while the loop runs.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/log.h"
#include "controller/controller_state.h"
#include "controller/runtime_settings.h"

namespace ballast {
namespace {

// The row of the domain that `text` names; npos, all of them, where it is empty.
Result<std::size_t> row_of(const Ledger& ledger, std::string_view text) {
    if (text.empty()) return Ledger::npos;
    return find_domain(*ledger.names(), text);
}

}  // namespace

void Controller::State::apply_debug_level() const noexcept {
    log::set_level(runtime.debug.value_or(settings.cmm.debug) ? log::Level::debug
                                                              : log::Level::info);
}

// What is not ours to give back; less where more has gone back since.
std::uint64_t Controller::State::own_bytes(const DomainControl& control) noexcept {
    return std::min(control.original_loaned_bytes, control.known_loaned_bytes);
}

std::string Controller::State::move_now(std::size_t row, std::uint64_t loaned_bytes) {
    DomainControl& control = ledger.controls()[row];
    loaned_bytes = std::max(loaned_bytes, least_loan_bytes(row));
    if (dry_run || control.known_loaned_bytes == loaned_bytes) return {};
    Decision move;
    move.loaned_after_bytes = control.known_loaned_bytes;
    std::vector<DomainTrouble> troubles;
    allocator.move(ledger.names()->key[row], row, loaned_bytes, control, move, calls, troubles);
    return troubles.empty() ? std::string() : std::move(troubles.back().detail);
}

// True where the domain has just been switched off: everything goes back at once.
bool Controller::State::row_settings_changed(std::size_t row) {
    DomainControl& control = ledger.controls()[row];
    const bool was_disabled = control.disabled;
    const std::uint64_t was_release_bytes = control.oom_release_bytes;
    ledger.resolve(row, settings, runtime);
    delay_changed(control, clock.now(), delay());
    if (control.oom_release_bytes != was_release_bytes) {
        backend.set_guest_tunables(ledger.names()->key[row], {control.oom_release_bytes});
    }
    if (!control.disabled && was_disabled) {
        // A restarted loop sleeps before its first poll.
        control.held_until = clock.now() + delay();
        control.held_for = Constraint::disabled;
    }
    return control.disabled && !was_disabled;
}

// cmm_store_disable: everything goes back at once; with a reserve, what it leaves.
void Controller::State::give_back_switched_off(std::span<const std::size_t> rows) {
    const bool bounded = host_reserve_bytes() != 0;
    give_back_and_log(rows, bounded ? room_bytes() : std::numeric_limits<std::uint64_t>::max());
}

void Controller::State::settings_changed() {
    apply_debug_level();
    std::vector<std::size_t> switched_off;
    for (std::size_t row = 0; row < ledger.controls().size(); ++row)
        if (row_settings_changed(row)) switched_off.push_back(row);
    give_back_switched_off(switched_off);
}

void Controller::State::take_control_again(std::size_t row) noexcept {
    const auto controls = ledger.controls();
    for (std::size_t i = 0; i < controls.size(); ++i)
        if (row == Ledger::npos || i == row) controls[i].yielded = Yielded::no;
}

// Nobody could lend for them under a policy that follows the hypervisor alone, or moves nothing.
void Controller::State::drop_useless_reservations() {
    if (serves_reservations() || reservations.list().empty()) return;
    log::warn("policy {} lends for no reservation: {} of them end", entry_of(policy()).name,
              reservations.list().size());
    reservations.clear();
}

Result<void> Controller::State::set(Attribute attribute, std::string_view domain,
                                    std::uint64_t value) {
    process_events();
    if (is_global(attribute)) {
        if (!domain.empty()) {
            return fail(Errc::refused,
                        fmt::format("{} exists once for all domains", to_string(attribute)),
                        EINVAL);
        }
        if (attribute == Attribute::delay) runtime.delay = std::chrono::seconds(value);
        if (attribute == Attribute::debug) runtime.debug = value != 0;
        remember_settings_for_all();
        settings_changed();
        return {};
    }
    const auto found = row_of(ledger, domain);
    if (!found) return Failure(found.error());
    const std::size_t row = *found;

    if (attribute == Attribute::oom_freed_kb) {
        const auto controls = ledger.controls();
        for (std::size_t i = 0; i < controls.size(); ++i) {
            if (row == Ledger::npos || i == row) controls[i].oom_freed_bytes = 0;
        }
        return {};
    }
    const bool wants_control =
        (attribute == Attribute::disable && value == 0) ||
        (attribute == Attribute::simulate_loan_target_kb && row != Ledger::npos);
    if (wants_control) take_control_again(row);
    if (domain.empty()) {
        set_override(attribute, value, runtime.defaults);
        remember_settings_for_all();
        settings_changed();
    } else {
        set_override(attribute, value, ledger.own_settings(row));
        remember_settings(row);
        if (row_settings_changed(row)) give_back_switched_off({&row, 1});
    }
    return {};
}

GlobalAttributes Controller::State::global_attributes() const {
    return {.delay = delay(),
            .debug = runtime.debug.value_or(settings.cmm.debug),
            .simulate = policy() == PolicyKind::fixed};
}

// What a domain gets that no override names, and the sums of what all have.
DomainAttributes Controller::State::attributes_of_all() const {
    DomainControl defaults;
    resolve_defaults(settings, runtime, defaults);
    DomainAttributes all = attributes_of(defaults);
    for (const DomainControl& control : ledger.controls()) {
        const DomainAttributes one = attributes_of(control);
        all.loaned_kb += one.loaned_kb;
        all.loaned_target_kb += one.loaned_target_kb;
        all.oom_freed_kb += one.oom_freed_kb;
    }
    return all;
}

Result<std::string> Controller::State::get(Attribute attribute, std::string_view domain) const {
    const auto found = row_of(ledger, domain);
    if (!found) return Failure(found.error());
    return attribute_text(
        attribute, global_attributes(),
        *found == Ledger::npos ? attributes_of_all() : attributes_of(ledger.controls()[*found]));
}

ReservationList Controller::State::reservation_list() const {
    const auto list = reservations.list();
    return {{list.begin(), list.end()}, seen.host.available_bytes};
}

// Readers that hold every slot miss one; the next one comes with the next tick.
void Controller::State::publish_operator_view() {
    OperatorView* const view = operators_read ? operator_views.begin() : nullptr;
    if (view == nullptr) return;
    view->global = global_attributes();
    view->all = attributes_of_all();
    view->names = ledger.names();
    const auto controls = ledger.controls();
    view->domains.resize(controls.size());
    for (std::size_t row = 0; row < controls.size(); ++row)
        view->domains[row] = attributes_of(controls[row]);
    view->reservations = reservation_list();
    operator_views.publish();
}

Result<void> Controller::State::release(std::string_view domain) {
    process_events();
    const auto only = row_of(ledger, domain);
    if (!only) return Failure(only.error());
    std::vector<std::size_t> rows;
    const auto controls = ledger.controls();
    for (std::size_t row = 0; row < controls.size(); ++row) {
        if (*only != Ledger::npos && row != *only) continue;
        DomainControl& control = controls[row];
        if (policy() == PolicyKind::fixed) {
            ledger.own_settings(row).simulate_loan_target_kb = control.original_loaned_bytes / kKiB;
            remember_settings(row);
            ledger.resolve(row, settings, runtime);
        }
        control.borrowed_bytes = 0;
        control.loan_target_bytes = own_bytes(control);
        rows.push_back(row);
    }
    give_back_and_log(rows, room_bytes());
    return {};
}

}  // namespace ballast
