#include "controller/controller.h"

#include <fmt/format.h>

#include "base/saturating.h"
#include "base/units.h"
#include "controller/controller_state.h"
#include "controller/runtime_settings.h"

namespace ballast {

Controller::Controller(const Settings& settings, Backend& backend, const Clock& clock, bool dry_run,
                       const RuleSet& rules)
    : state_(std::make_unique<State>(settings, backend, clock, dry_run, rules)) {}

Controller::~Controller() = default;

void Controller::on_event(const Event& event) noexcept {
    state_->inbox.push(event);
}

bool Controller::events_pending() const noexcept {
    return state_->inbox.pending();
}

void Controller::set_wake(std::function<void()> wake) {
    state_->inbox.on_push(std::move(wake));
}

void Controller::set_feed(BusFeed& feed) {
    state_->feed = &feed;
}

void Controller::set_books(BookKeeper& books) {
    state_->books = &books;
    state_->runtime = runtime_settings_from(books.settings_for_all());
    state_->apply_debug_level();
}

void Controller::process_events() {
    state_->process_events();
}

void Controller::tick(Time due) {
    state_->tick(due);
}

void Controller::reconfigure(const Settings& settings) {
    state_->settings = settings;
    state_->take_control_again(Ledger::npos);
    state_->settings_changed();
    state_->drop_useless_reservations();
    state_->publish_operator_view();
}

Result<void> Controller::disable(std::string_view domain, bool disabled) {
    auto done = state_->set(Attribute::disable, domain, disabled ? 1 : 0);
    state_->publish_operator_view();
    return done;
}

Result<void> Controller::release(std::string_view domain) {
    auto done = state_->release(domain);
    state_->publish_operator_view();
    return done;
}

Result<std::uint64_t> Controller::reserve(std::uint64_t bytes, std::string domain,
                                          Duration expires) {
    if (!state_->serves_reservations())
        return fail(Errc::refused,
                    fmt::format("policy {} lends for no reservation; expected ballast, fixed or "
                                "another that decides by itself",
                                entry_of(state_->policy()).name));
    const std::uint64_t total = state_->seen.host.total_bytes;
    const std::uint64_t spoken_for =
        state_->host_reserve_bytes() + state_->reservations.outstanding_bytes();
    if (total != kUnknownBytes && bytes > less(total, spoken_for))
        return fail(Errc::refused,
                    fmt::format("a reservation of {} on a host of {}, of which {} are to stay free "
                                "already; expected at most {}",
                                format_size(bytes), format_size(total), format_size(spoken_for),
                                format_size(less(total, spoken_for))));
    // One that is yet to come is fine; which of several is meant has to be clear.
    if (!domain.empty()) {
        const auto found = find_domain(*state_->ledger.names(), domain);
        if (!found && found.error().code == Errc::refused) return Failure(found.error());
    }
    auto id = state_->reservations.add(bytes, std::move(domain), expires, state_->clock.now());
    state_->publish_operator_view();
    return id;
}

Result<void> Controller::cancel_reservation(std::uint64_t id) {
    if (!state_->reservations.remove(id))
        return fail(Errc::not_found, fmt::format("no reservation {}", id));
    state_->publish_operator_view();
    return {};
}

ReservationList Controller::reservations() const {
    return state_->reservation_list();
}

Result<std::string> Controller::get_attribute(std::string_view domain,
                                              std::string_view attribute) const {
    const auto known = attribute_from_name(attribute);
    if (!known) return Failure(known.error());
    return state_->get(*known, domain);
}

Result<void> Controller::set_attribute(std::string_view domain, std::string_view attribute,
                                       std::string_view value) {
    const auto known = attribute_from_name(attribute);
    if (!known) return Failure(known.error());
    const auto number = parse_attribute(*known, value);
    if (!number) return Failure(number.error());
    auto done = state_->set(*known, domain, *number);
    state_->publish_operator_view();
    if (done && state_->feed != nullptr)
        state_->feed->notice(
            BALLAST_BUS_CONFIG,
            fmt::format("{}{}{} = {}", domain, domain.empty() ? "" : ": ", attribute, *number));
    return done;
}

void Controller::evacuate(bool on) noexcept {
    state_->evacuating = on;
}

bool Controller::give_everything_back() {
    return state_->give_everything_back();
}

void Controller::report_what_stays() const {
    state_->report_what_stays();
}

std::uint64_t Controller::lent_bytes() const noexcept {
    return state_->lent_bytes();
}

Duration Controller::delay() const noexcept {
    return state_->delay();
}

SnapshotExchange& Controller::snapshots() noexcept {
    return state_->snapshots;
}

OperatorViews& Controller::operator_views() {
    state_->operators_read = true;
    if (!state_->operator_views.latest()) state_->publish_operator_view();
    return state_->operator_views;
}

}  // namespace ballast
