#include <nlohmann/json.hpp>

#include "sim/report.h"

namespace ballast {
namespace {

using nlohmann::ordered_json;

ordered_json bytes_or_null(std::uint64_t bytes) {
    return bytes == kUnknownBytes ? ordered_json(nullptr) : ordered_json(bytes);
}

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

ordered_json domain_json(const DomainReport& domain) {
    ordered_json held = ordered_json::object();
    for (std::size_t i = 0; i < domain.ticks_by_constraint.size(); ++i) {
        if (domain.ticks_by_constraint[i] == 0) continue;
        held[std::string(to_string(static_cast<Constraint>(i)))] = domain.ticks_by_constraint[i];
    }
    ordered_json series = ordered_json::array();
    for (const std::uint64_t sample : domain.loaned_series) series.push_back(bytes_or_null(sample));
    return {{"name", domain.name},
            {"total_bytes", domain.total_bytes},
            {"loaned_bytes", domain.loaned_bytes},
            {"loan_target_bytes", domain.loan_target_bytes},
            {"oom_freed_bytes", domain.oom_freed_bytes},
            {"constraint", to_string(domain.constraint)},
            {"most_loaned_bytes", domain.most_loaned_bytes},
            {"inflated_bytes", domain.inflated_bytes},
            {"deflated_bytes", domain.deflated_bytes},
            {"ticks_by_constraint", std::move(held)},
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
        {"duration_seconds", seconds(report.duration)},
        {"ticks", report.ticks},
        {"events", report.events},
        {"observe_failures", report.observe_failures},
        {"host",
         {{"total_bytes", bytes_or_null(report.host_total_bytes)},
          {"available_start_bytes", bytes_or_null(report.host_available_start_bytes)},
          {"available_bytes", bytes_or_null(report.host_available_bytes)}}},
        {"series_step_seconds", seconds(report.duration) / static_cast<double>(kReportBuckets)},
        {"domains", std::move(domains)}};
    return whole.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace ballast
