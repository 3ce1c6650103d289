#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "sim/report.h"

namespace ballast {
namespace {

using nlohmann::ordered_json;

ordered_json bytes_or_null(std::uint64_t bytes) {
    return bytes == kUnknownBytes ? ordered_json(nullptr) : ordered_json(bytes);
}

// By the names of `Enum`, those that are not 0.
template <class Enum, std::size_t N>
ordered_json counts_json(const std::array<std::uint64_t, N>& counts) {
    ordered_json json = ordered_json::object();
    for (std::size_t i = 0; i < N; ++i) {
        if (counts[i] != 0) json[std::string(to_string(static_cast<Enum>(i)))] = counts[i];
    }
    return json;
}

ordered_json domain_json(const DomainReport& domain) {
    ordered_json series = ordered_json::array();
    for (const std::uint64_t sample : domain.loaned_series) series.push_back(bytes_or_null(sample));
    return {{"name", domain.name},
            {"present", domain.present},
            {"total_bytes", domain.total_bytes},
            {"loaned_bytes", domain.loaned_bytes},
            {"loan_target_bytes", domain.loan_target_bytes},
            {"oom_freed_bytes", domain.oom_freed_bytes},
            {"constraint", to_string(domain.constraint)},
            {"most_loaned_bytes", domain.most_loaned_bytes},
            {"inflated_bytes", domain.inflated_bytes},
            {"deflated_bytes", domain.deflated_bytes},
            {"events", counts_json<EventKind>(domain.events_by_kind)},
            {"oom_bytes", domain.oom_bytes},
            {"short_moves", counts_json<StepStatus>(domain.short_moves)},
            {"ticks_by_constraint", counts_json<Constraint>(domain.ticks_by_constraint)},
            {"loaned_series_bytes", std::move(series)}};
}

}  // namespace

std::string report_json(const SimulationReport& report) {
    ordered_json domains = ordered_json::array();
    for (const DomainReport& domain : report.domains) domains.push_back(domain_json(domain));
    const ordered_json whole{
        {"description", report.description},
        {"backend", report.backend},
        {"policy", report.policy},
        {"profile", report.profile},
        {"seed", report.seed},
        {"duration_seconds", seconds_of(report.duration)},
        {"ticks", report.ticks},
        {"events", report.events},
        {"observe_failures", report.observe_failures},
        {"refused_settings", report.refused_settings},
        {"host",
         {{"total_bytes", bytes_or_null(report.host_total_bytes)},
          {"available_start_bytes", bytes_or_null(report.host_available_start_bytes)},
          {"available_bytes", bytes_or_null(report.host_available_bytes)}}},
        {"series_step_seconds", seconds_of(report.duration) / static_cast<double>(kReportBuckets)},
        {"domains", std::move(domains)}};
    return whole.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace ballast
