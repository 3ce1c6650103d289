#include "controller/bus_feed.h"

#include <algorithm>
#include <bit>

#include "base/log.h"
#include "controller/totals.h"

namespace ballast {
namespace {

// The largest power of two whose slots fit.
std::uint32_t bus_slots(std::uint64_t size_kib) noexcept {
    return static_cast<std::uint32_t>(std::bit_floor(size_kib * 1024 / BUS_SLOT_SIZE));
}

// A bus that could not be had is tried for again.
constexpr Duration try_again_every = std::chrono::seconds(1);
// A reader that comes later knows all guests after so long.
constexpr Duration keyframe_every = std::chrono::minutes(1);

std::uint64_t nanoseconds(std::uint64_t us) noexcept {
    return us > kUnknownBytes / 1000 ? kUnknownBytes : us * 1000;
}

std::size_t rows_of(const Snapshot& snapshot) {
    return std::min(snapshot.decisions.size(), snapshot.names->name.size());
}

ballast_bus_type type_of(EventKind kind) noexcept {
    switch (kind) {
        case EventKind::oom:
            return BALLAST_BUS_OOM;
        case EventKind::hotplug_began:
        case EventKind::hotplug_ended:
        case EventKind::hotplug_cancelled:
            return BALLAST_BUS_HOTPLUG;
        case EventKind::migration_began:
        case EventKind::migration_ended:
        case EventKind::page_migrated:
            return BALLAST_BUS_MIGRATION;
        case EventKind::backend_lost:
        case EventKind::backend_back:
            return BALLAST_BUS_BACKEND;
        case EventKind::domain_came:
        case EventKind::domain_went:
        case EventKind::domain_paused:
        case EventKind::domain_resumed:
        case EventKind::balloon_changed:
        case EventKind::guest_rebooted:
        case EventKind::move_failed:
        case EventKind::set_by_others:
            break;
    }
    return BALLAST_BUS_DOMAIN;
}

}  // namespace

Result<void> BusFeed::attach(const BusSettings& settings) {
    wanted_ = settings;
    next_try_ = clock_.now() + try_again_every;
    if (writer_ && settings == settings_ && !is_lost()) return {};
    // Lets go of the lock first, should the path be the same.
    const bool same_path = writer_ && settings.path == settings_.path;
    if (same_path || settings.path.empty()) {
        writer_.reset();
        set_path("");
    }
    if (settings.path.empty()) return {};
    auto writer =
        BusWriter::create(settings.path, {.slot_count = bus_slots(settings.size_kib)}, clock_);
    if (!writer) return Failure(writer.error());
    names_.reset();  // on a new bus, all is told anew
    writer_ = std::move(*writer);
    settings_ = settings;
    set_path(settings.path);
    return {};
}

// Nobody reads what is published any more.
bool BusFeed::is_lost() const {
    return writer_->file().damaged() || !writer_->file().has_names();
}

// Somebody else may have let go of the name, cut off the file, or removed it.
void BusFeed::try_again() {
    if (clock_.now() < next_try_) return;
    next_try_ = clock_.now() + try_again_every;
    const bool lost = writer_ && is_lost();
    const bool missing = !wanted_.path.empty() && (!writer_ || !(wanted_ == settings_));
    if (!lost && !missing) return;
    if (lost)
        log::warn("event bus: {}: another program {}", settings_.path,
                  writer_->file().damaged() ? "made the file shorter" : "removed or replaced it");
    if (attach(wanted_)) log::info("event bus: publishes on {}", wanted_.path);
}

void BusFeed::set_path(const std::string& path) {
    const std::lock_guard lock(mutex_);
    path_ = path;
    attached_once_ = true;
}

std::string BusFeed::path() const {
    const std::lock_guard lock(mutex_);
    return path_;
}

void BusFeed::guests(const Snapshot& snapshot, const Beside& beside, bool all) {
    const DomainTable& domains = beside.domains;
    const bool keyframe = all || clock_.now() >= next_keyframe_;
    if (keyframe) next_keyframe_ = clock_.now() + keyframe_every;
    const std::size_t rows = rows_of(snapshot);
    told_guests_.resize(rows);
    for (std::size_t row = 0; row < rows; ++row) {
        const Decision& decision = snapshot.decisions[row];
        const bool late = has(decision.flags, DomainFlags::late_stats);
        const ToldGuest now{decision.total_bytes, decision.loaned_after_bytes,
                            decision.unused_bytes, decision.usable_bytes, late};
        if (!keyframe && now == told_guests_[row]) continue;
        told_guests_[row] = now;
        ballast_bus_guest record{};
        record.domain = bus_domain(names_->key[row].uuid, names_->name[row]);
        record.tick = snapshot.tick.number;
        record.total_bytes = now.total_bytes;
        record.loaned_bytes = now.loaned_bytes;
        record.unused_bytes = now.unused_bytes;
        record.usable_bytes = now.usable_bytes;
        record.cache_bytes = row < domains.size() ? domains.cache_bytes[row] : kUnknownBytes;
        record.major_faults = row < domains.size() ? domains.major_faults[row] : kUnknownBytes;
        record.late = late ? 1 : 0;
        record.resident_bytes = row < domains.size() ? domains.resident_bytes[row] : kUnknownBytes;
        record.shares = row < beside.controls.size() ? beside.controls[row].shares : kUnknownBytes;
        writer_->publish(BALLAST_BUS_GUEST, record);
    }
}

void BusFeed::decisions(const Snapshot& snapshot, bool all) {
    const std::size_t rows = rows_of(snapshot);
    told_.resize(rows);
    for (std::size_t row = 0; row < rows; ++row) {
        const Decision& decision = snapshot.decisions[row];
        const Told now{decision.loan_target_bytes, decision.loaned_after_bytes,
                       decision.oom_freed_bytes, decision.constraint, decision.outcome};
        if (!all && now == told_[row]) continue;
        told_[row] = now;
        ballast_bus_decision record{};
        record.domain = bus_domain(names_->key[row].uuid, names_->name[row]);
        record.tick = snapshot.tick.number;
        record.total_bytes = decision.total_bytes;
        record.min_mem_bytes = decision.min_mem_bytes;
        record.request_bytes = decision.request_bytes;
        record.oom_freed_bytes = decision.oom_freed_bytes;
        record.loaned_before_bytes = decision.loaned_before_bytes;
        record.decided_bytes = decision.decided_bytes;
        record.loan_target_bytes = decision.loan_target_bytes;
        record.loaned_after_bytes = decision.loaned_after_bytes;
        copy_text(record.constraint, to_string(decision.constraint));
        copy_text(record.outcome, to_string(decision.outcome));
        writer_->publish(BALLAST_BUS_DECISION, record);
    }
}

void BusFeed::tick(const Snapshot& snapshot, const Beside& beside) {
    if (!writer_) return;
    if (snapshot.names) {
        // Other rows: all is told anew.
        const bool all = std::exchange(names_, snapshot.names) != snapshot.names;
        guests(snapshot, beside, all);
        decisions(snapshot, all);
    }
    const Totals totals = totals_of(snapshot);
    ballast_bus_tick record{};
    record.tick = snapshot.tick.number;
    record.domains = totals.domains;
    record.total_bytes = totals.total_bytes;
    record.loaned_bytes = totals.loaned_bytes;
    record.loan_target_bytes = totals.loan_target_bytes;
    record.inflated_bytes = totals.inflated_bytes;
    record.deflated_bytes = totals.deflated_bytes;
    record.host_available_bytes = snapshot.host.available_bytes;
    record.took_ns = static_cast<std::uint64_t>(snapshot.tick.took.count());
    record.late_ns = static_cast<std::uint64_t>(snapshot.tick.late.count());
    record.backend_up = snapshot.backend_up ? 1 : 0;
    record.host_total_bytes = snapshot.host.total_bytes;
    record.host_reserve_bytes = beside.host_reserve_bytes;
    record.host_stall_ns = nanoseconds(snapshot.host.memory_stall_us);
    record.host_swap_total_bytes = snapshot.host.swap_total_bytes;
    record.host_swap_free_bytes = snapshot.host.swap_free_bytes;
    publish_notices();
    writer_->publish(BALLAST_BUS_TICK, record);
    writer_->commit();
    writer_->beat();
}

void BusFeed::publish_notices() {
    std::vector<std::pair<ballast_bus_type, std::string>> notices;
    {
        const std::lock_guard lock(mutex_);
        notices.swap(notices_);
    }
    for (const auto& [type, text] : notices) writer_->publish_notice(type, text);
}

void BusFeed::beat() {
    try_again();
    if (!writer_) return;
    publish_notices();
    writer_->commit();
    writer_->beat();
}

void BusFeed::event(const Event& event, std::string_view domain_name) {
    if (!writer_) return;
    const ballast_bus_type type = type_of(event.kind);
    if (type == BALLAST_BUS_BACKEND) {
        std::string text(to_string(event.kind));
        if (!event.detail.empty()) text += ": " + event.detail;
        return notice(type, std::move(text));
    }
    ballast_bus_domain_event record{};
    record.domain = bus_domain(event.domain.uuid, domain_name);
    copy_text(record.what, to_string(event.kind));
    record.bytes = event.kind == EventKind::oom ? event.bytes : 0;
    writer_->publish(type, record);
}

void BusFeed::notice(ballast_bus_type type, std::string text) {
    constexpr std::size_t most_kept = 1024;  // nobody may publish for a while
    const std::lock_guard lock(mutex_);
    if (attached_once_ && path_.empty()) return;  // nobody is told later than it was
    if (notices_.size() < most_kept) notices_.emplace_back(type, std::move(text));
}

}  // namespace ballast
