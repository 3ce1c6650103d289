#include "hv_backends/modules/answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "base/units.h"
#include "hv_backends/modules/abi_values.h"

namespace ballast {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 60U;
constexpr std::uint8_t kLeastPageShift = 12;
constexpr std::uint8_t kMostPageShift = 24;
constexpr unsigned kKnownFlags = (BALLAST_DOMAIN_LATE_STATS << 1U) - 1U;

// What is wrong with a row's figures; empty = nothing. The guest's own figures are hints anyway.
std::string problem_with_figures(const DomainTable& domains, std::size_t row) {
    const std::uint64_t total = domains.total_bytes[row];
    const std::uint64_t loaned = domains.loaned_bytes[row];
    const std::int64_t request = domains.loan_request_bytes[row];
    const auto most = static_cast<std::int64_t>(kMostBytes);
    if (total > kMostBytes) return fmt::format("a memory of {} bytes", total);
    if (loaned > total) return fmt::format("{} bytes lent of {}", loaned, total);
    if (request > most || request < -most) return fmt::format("a request of {} bytes", request);
    const unsigned shift = domains.page_shift[row];
    if (shift < kLeastPageShift || shift > kMostPageShift)
        return fmt::format("pages of 2^{} bytes, expected 2^12 to 2^24", shift);
    const auto flags = static_cast<unsigned>(domains.flags[row]);
    if ((flags & ~kKnownFlags) != 0) return fmt::format("unknown flags {:#x}", flags);
    return {};
}

void disarm(DomainTable& domains, std::size_t row, const DomainTable& before) {
    const auto found = std::find(before.key.begin(), before.key.end(), domains.key[row]);
    const bool known = found != before.key.end();
    const auto old = static_cast<std::size_t>(found - before.key.begin());
    domains.flags[row] = DomainFlags::unanswered;
    domains.page_shift[row] = known ? before.page_shift[old] : kLeastPageShift;
    domains.total_bytes[row] = known ? before.total_bytes[old] : 0;
    domains.loaned_bytes[row] = known ? before.loaned_bytes[old] : 0;
    domains.loan_request_bytes[row] = 0;
    domains.unused_bytes[row] = kUnknownBytes;
    domains.usable_bytes[row] = kUnknownBytes;
    domains.major_faults[row] = kUnknownBytes;
    domains.resident_bytes[row] = kUnknownBytes;
}

}  // namespace

std::string text_of(const char* buffer, std::size_t capacity) {
    std::string text(buffer, ::strnlen(buffer, capacity));
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, '?');
    return text;
}

Result<void> result_of(int status, const ballast_error& error, const char* call) {
    if (status == BALLAST_OK) return {};
    const auto code = errc_of(status);
    if (!code)
        return fail(Errc::bad_data,
                    fmt::format("{} answered {}, expected 0 to {}", call, status, BALLAST_IO));
    std::string text = text_of(error.text, sizeof(error.text));
    if (text.empty()) text = fmt::format("{} failed and did not say why", call);
    return fail(*code, std::move(text), std::max(error.sys_errno, 0));
}

std::size_t disarm_rows(DomainTable& domains, const DomainTable& before, std::string& detail) {
    std::size_t wrong = 0;
    for (std::size_t row = 0; row < domains.size(); ++row) {
        const std::string problem = problem_with_figures(domains, row);
        if (problem.empty()) continue;
        if (wrong++ == 0)
            detail = fmt::format("told impossible figures of domain '{}': {}", domains.name[row],
                                 problem);
        disarm(domains, row, before);
    }
    return wrong;
}

std::optional<std::string> problem_with_rows(const DomainTable& domains) {
    std::unordered_set<DomainKey> keys;
    keys.reserve(domains.size());
    for (std::size_t row = 0; row < domains.size(); ++row) {
        if (domains.name[row].empty()) return fmt::format("gave no name to row {}", row);
        if (!keys.insert(domains.key[row]).second)
            return fmt::format("told of domain {} twice, the second time in row {} as '{}'",
                               to_string(domains.key[row]), row, domains.name[row]);
    }
    return std::nullopt;
}

StepOutcome outcome_of(const ballast_outcome& answer, const Step& step) {
    const auto wrong = [&](const std::string& what) {
        return StepOutcome{StepStatus::failed, step.loaned_from_bytes, Constraint::backend_error,
                           "the backend's answer cannot be: " + what};
    };
    const auto status = step_status_of(answer.status);
    if (!status) return wrong(fmt::format("status {}", answer.status));
    const auto constraint = constraint_of(answer.constraint);
    if (!constraint) return wrong(fmt::format("constraint {}", answer.constraint));
    StepOutcome outcome{*status, answer.loaned_bytes, *constraint,
                        text_of(answer.detail, sizeof(answer.detail))};
    if (outcome.loaned_bytes > kMostBytes)
        return wrong(fmt::format("{} bytes lent", answer.loaned_bytes));
    if (outcome.status == StepStatus::done && outcome.loaned_bytes > step.loaned_to_bytes)
        return wrong(fmt::format("done, with {} bytes lent in place of {}", answer.loaned_bytes,
                                 step.loaned_to_bytes));
    const bool short_of_it =
        outcome.status != StepStatus::done && outcome.status != StepStatus::accepted;
    if (short_of_it && outcome.constraint == Constraint::none)
        outcome.constraint = Constraint::backend_error;
    return outcome;
}

std::optional<Event> event_of(const ballast_event& event) {
    if (event.kind < 0 || event.kind >= static_cast<int>(kEventKindCount)) return std::nullopt;
    Event told;
    told.kind = static_cast<EventKind>(event.kind);
    told.at = Time(Duration(event.at_ns));
    std::copy(std::begin(event.domain), std::end(event.domain), told.domain.uuid.begin());
    told.bytes = event.bytes > kMostBytes ? 0 : event.bytes;
    told.loaned_bytes = event.loaned_bytes > kMostBytes ? kUnknownBytes : event.loaned_bytes;
    if (event.detail != nullptr)
        told.detail = text_of(event.detail, sizeof(ballast_outcome::detail));
    if (event.size >= sizeof(ballast_event))
        told.constraint = constraint_of(event.constraint).value_or(Constraint::none);
    return told;
}

}  // namespace ballast
