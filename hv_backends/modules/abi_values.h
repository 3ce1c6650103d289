// The numbers of the module interface and ours.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/result.h"
#include "hv_backends/module_abi.h"
#include "model/constraint.h"
#include "model/domain.h"
#include "model/event.h"
#include "model/step.h"

namespace ballast {

// Flags, kinds of events and outcomes of steps have the same numbers on both sides.
static_assert(static_cast<unsigned>(DomainFlags::paused) == BALLAST_DOMAIN_PAUSED);
static_assert(static_cast<unsigned>(DomainFlags::migrating) == BALLAST_DOMAIN_MIGRATING);
static_assert(static_cast<unsigned>(DomainFlags::hotplug) == BALLAST_DOMAIN_HOTPLUG);
static_assert(static_cast<unsigned>(DomainFlags::no_driver) == BALLAST_DOMAIN_NO_DRIVER);
static_assert(static_cast<unsigned>(DomainFlags::stale_stats) == BALLAST_DOMAIN_STALE_STATS);
static_assert(static_cast<unsigned>(DomainFlags::pinned_memory) == BALLAST_DOMAIN_PINNED_MEMORY);
static_assert(static_cast<unsigned>(DomainFlags::deflate_on_oom) == BALLAST_DOMAIN_DEFLATE_ON_OOM);
static_assert(static_cast<unsigned>(DomainFlags::starting) == BALLAST_DOMAIN_STARTING);
static_assert(static_cast<unsigned>(DomainFlags::unanswered) == BALLAST_DOMAIN_UNANSWERED);
static_assert(static_cast<unsigned>(DomainFlags::carried_over) == BALLAST_DOMAIN_CARRIED_OVER);
static_assert(static_cast<unsigned>(DomainFlags::crashed) == BALLAST_DOMAIN_CRASHED);
static_assert(static_cast<unsigned>(DomainFlags::saving) == BALLAST_DOMAIN_SAVING);
static_assert(static_cast<unsigned>(DomainFlags::no_stats) == BALLAST_DOMAIN_NO_STATS);
static_assert(static_cast<unsigned>(DomainFlags::bad_stats) == BALLAST_DOMAIN_BAD_STATS);
static_assert(static_cast<unsigned>(DomainFlags::late_stats) == BALLAST_DOMAIN_LATE_STATS);
static_assert(kUnknownBytes == BALLAST_UNKNOWN_BYTES);
static_assert(static_cast<int>(EventKind::domain_came) == BALLAST_EVENT_DOMAIN_CAME);
static_assert(static_cast<int>(EventKind::oom) == BALLAST_EVENT_OOM);
static_assert(static_cast<int>(EventKind::hotplug_cancelled) == BALLAST_EVENT_HOTPLUG_CANCELLED);
static_assert(static_cast<int>(EventKind::backend_lost) == BALLAST_EVENT_BACKEND_LOST);
static_assert(static_cast<int>(EventKind::page_migrated) == BALLAST_EVENT_PAGE_MIGRATED);
static_assert(static_cast<int>(EventKind::move_failed) == BALLAST_EVENT_MOVE_FAILED);
static_assert(static_cast<int>(EventKind::set_by_others) == BALLAST_EVENT_SET_BY_OTHERS);
static_assert(kEventKindCount == BALLAST_EVENT_SET_BY_OTHERS + 1);
static_assert(static_cast<int>(StepStatus::done) == BALLAST_STEP_DONE);
static_assert(static_cast<int>(StepStatus::partial) == BALLAST_STEP_PARTIAL);
static_assert(static_cast<int>(StepStatus::failed) == BALLAST_STEP_FAILED);
static_assert(kStepStatusCount == BALLAST_STEP_FAILED + 1);

inline std::optional<StepStatus> step_status_of(int status) noexcept {
    if (status < 0 || status >= static_cast<int>(kStepStatusCount)) return std::nullopt;
    return static_cast<StepStatus>(status);
}

inline constexpr std::array<std::pair<int, Errc>, 6> kStatusCodes{{
    {BALLAST_INVALID_ARGUMENT, Errc::invalid_argument},
    {BALLAST_UNAVAILABLE, Errc::unavailable},
    {BALLAST_TIMED_OUT, Errc::timed_out},
    {BALLAST_BAD_DATA, Errc::bad_data},
    {BALLAST_REFUSED, Errc::refused},
    {BALLAST_IO, Errc::io},
}};
inline std::optional<Errc> errc_of(int status) noexcept {
    for (const auto& [number, code] : kStatusCodes)
        if (number == status) return code;
    return std::nullopt;
}
// What has no number of its own is BALLAST_IO.
inline int status_of(Errc code) noexcept {
    for (const auto& [number, known] : kStatusCodes)
        if (known == code) return number;
    return BALLAST_IO;
}

inline constexpr std::array<std::pair<int, Constraint>, 8> kStepConstraints{{
    {BALLAST_CONSTRAINT_NONE, Constraint::none},
    {BALLAST_CONSTRAINT_BACKEND_ERROR, Constraint::backend_error},
    {BALLAST_CONSTRAINT_PAUSED, Constraint::paused},
    {BALLAST_CONSTRAINT_MIGRATING, Constraint::migrating},
    {BALLAST_CONSTRAINT_HOTPLUG, Constraint::hotplug},
    {BALLAST_CONSTRAINT_NO_DRIVER, Constraint::no_driver},
    {BALLAST_CONSTRAINT_STUCK, Constraint::stuck},
    {BALLAST_CONSTRAINT_MIN_MEM, Constraint::min_mem},
}};
inline std::optional<Constraint> constraint_of(int number) noexcept {
    for (const auto& [known, constraint] : kStepConstraints)
        if (known == number) return constraint;
    return std::nullopt;
}
// What a step has no number for is BALLAST_CONSTRAINT_BACKEND_ERROR.
inline int number_of(Constraint constraint) noexcept {
    for (const auto& [number, known] : kStepConstraints)
        if (known == constraint) return number;
    return BALLAST_CONSTRAINT_BACKEND_ERROR;
}

}  // namespace ballast
