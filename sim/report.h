// What a simulated run came to: figures for programs, a table and charts for people.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/constraint.h"
#include "model/domain.h"
#include "model/event.h"
#include "model/step.h"

namespace ballast {

// Samples in a domain's series; bucket i covers duration * i / kReportBuckets onwards.
inline constexpr std::size_t kReportBuckets = 60;

struct DomainReport {
    std::string name;
    bool present = true;            // at the end, like the five below; gone, it lends nothing
    std::uint64_t total_bytes = 0;  // the last that was seen
    std::uint64_t loaned_bytes = 0;
    std::uint64_t loan_target_bytes = 0;
    std::uint64_t oom_freed_bytes = 0;
    Constraint constraint = Constraint::none;
    std::uint64_t most_loaned_bytes = 0;  // over the run, like all below
    std::uint64_t inflated_bytes = 0;
    std::uint64_t deflated_bytes = 0;
    std::array<std::uint64_t, kEventKindCount> events_by_kind{};
    std::uint64_t oom_bytes = 0;  // taken back in all its OOMs
    // Ticks in which a move came short, by its outcome.
    std::array<std::uint64_t, kStepStatusCount> short_moves{};
    std::array<std::uint64_t, kConstraintCount> ticks_by_constraint{};
    // Largest loan seen in each bucket; kUnknownBytes before the domain came or after it went.
    std::array<std::uint64_t, kReportBuckets> loaned_series{};
};

struct SimulationReport {
    std::string description;
    std::string backend;
    std::string policy;
    std::string profile;
    std::uint64_t seed = 0;
    Duration duration{};
    std::uint64_t ticks = 0;
    std::uint64_t events = 0;
    std::uint64_t observe_failures = 0;
    std::uint64_t refused_settings = 0;  // that the scenario set
    std::uint64_t host_total_bytes = kUnknownBytes;
    std::uint64_t host_available_start_bytes = kUnknownBytes;
    std::uint64_t host_available_bytes = kUnknownBytes;
    std::vector<DomainReport> domains;  // in the order in which they came
};

// Stable field names, sizes in bytes; the same report gives the same bytes.
std::string report_json(const SimulationReport& report);

struct TextStyle {
    bool colour = false;
    std::size_t most_rows = 40;  // of domains; the rest is summed up in one line
};
// What happened to a domain over the run ("2 OOMs (16 MiB taken back), 3 refused moves"); empty if
// nothing did.
std::string happened_text(const DomainReport& domain);
// A table, what happened, and one small chart per domain, in UTF-8.
std::string report_text(const SimulationReport& report, const TextStyle& style);

}  // namespace ballast
