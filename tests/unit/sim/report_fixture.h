// A small report with something in every field.
#pragma once

#include "base/units.h"
#include "sim/report.h"

namespace ballast::test {

inline DomainReport quiet_domain(std::string name) {
    DomainReport domain;
    domain.name = std::move(name);
    domain.total_bytes = kGiB;
    domain.ticks_by_constraint[0] = 10;
    return domain;
}

inline DomainReport busy_domain() {
    DomainReport domain = quiet_domain("db");
    domain.loaned_bytes = 256 * kMiB;
    domain.loan_target_bytes = 320 * kMiB;
    domain.oom_freed_bytes = 16 * kMiB;
    domain.constraint = Constraint::oom_credit;
    domain.most_loaned_bytes = 512 * kMiB;
    domain.inflated_bytes = 600 * kMiB;
    domain.deflated_bytes = 344 * kMiB;
    domain.events_by_kind[static_cast<std::size_t>(EventKind::oom)] = 2;
    domain.events_by_kind[static_cast<std::size_t>(EventKind::hotplug_began)] = 1;
    domain.oom_bytes = 16 * kMiB;
    domain.short_moves[static_cast<std::size_t>(StepStatus::refused)] = 3;
    domain.ticks_by_constraint[static_cast<std::size_t>(Constraint::oom_credit)] = 5;
    domain.ticks_by_constraint[static_cast<std::size_t>(Constraint::min_mem)] = 1;
    for (std::size_t i = 0; i < kReportBuckets; ++i) domain.loaned_series[i] = i * 16 * kMiB;
    domain.loaned_series[kReportBuckets - 1] = kUnknownBytes;
    return domain;
}

inline SimulationReport report_of(std::vector<DomainReport> domains) {
    SimulationReport report;
    report.description = "Two guests, one busy.";
    report.backend = "mock";
    report.policy = "cmm";
    report.profile = "safe";
    report.seed = 7;
    report.duration = std::chrono::minutes(2);
    report.ticks = 120;
    report.events = 3;
    report.host_total_bytes = 2 * kGiB;
    report.host_available_start_bytes = 0;
    report.host_available_bytes = 256 * kMiB;
    report.domains = std::move(domains);
    return report;
}

}  // namespace ballast::test
