#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/units.h"
#include "sim/report.h"

namespace ballast {
namespace {

constexpr std::array<std::string_view, 9> kBars{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

std::string size_or_dash(std::uint64_t bytes) {
    return bytes == kUnknownBytes ? "-" : format_size(bytes);
}

// The reason that held or bounded the domain most often, with its share of the ticks.
std::string most_often(const DomainReport& domain) {
    std::uint64_t ticks = 0;
    std::size_t worst = 0;
    for (std::size_t i = 0; i < domain.ticks_by_constraint.size(); ++i) {
        ticks += domain.ticks_by_constraint[i];
        if (i == 0) continue;  // none
        if (worst == 0 || domain.ticks_by_constraint[i] > domain.ticks_by_constraint[worst])
            worst = i;
    }
    const std::uint64_t count = domain.ticks_by_constraint[worst];
    if (worst == 0 || count == 0) return "-";
    const auto percent = 100.0 * static_cast<double>(count) / static_cast<double>(ticks);
    return fmt::format("{} {:.{}f} %", to_string(static_cast<Constraint>(worst)), percent,
                       percent < 10 ? 1 : 0);
}

std::string chart(const DomainReport& domain) {
    std::string bars;
    for (const std::uint64_t sample : domain.loaned_series) {
        if (sample == kUnknownBytes) {
            bars += "·";
            continue;
        }
        // Any loan at all shows; only all of the memory is a full bar.
        std::size_t level = 0;
        if (sample > 0 && domain.total_bytes > 0) {
            const double share = std::min(
                static_cast<double>(sample) / static_cast<double>(domain.total_bytes), 1.0);
            level = std::clamp<std::size_t>(static_cast<std::size_t>(share * 8.0 + 0.5), 1, 8);
        }
        bars += kBars[level];
    }
    return bars;
}

}  // namespace

std::string report_text(const SimulationReport& report, const TextStyle& style) {
    std::string text;
    auto out = std::back_inserter(text);
    const std::string_view bold = style.colour ? "\x1b[1m" : "";
    const std::string_view dim = style.colour ? "\x1b[2m" : "";
    const std::string_view cyan = style.colour ? "\x1b[36m" : "";
    const std::string_view off = style.colour ? "\x1b[0m" : "";

    if (!report.description.empty()) fmt::format_to(out, "{}{}{}\n", bold, report.description, off);
    fmt::format_to(
        out,
        "{} of simulated time, {} ticks, {} events; backend {}, policy {}, profile {}, seed {}\n",
        format_duration(report.duration), report.ticks, report.events, report.backend,
        report.policy, report.profile, report.seed);
    if (report.host_total_bytes != kUnknownBytes) {
        fmt::format_to(out, "host: {} in all, free {} at the start, {} at the end\n",
                       size_or_dash(report.host_total_bytes),
                       size_or_dash(report.host_available_start_bytes),
                       size_or_dash(report.host_available_bytes));
    }
    if (report.observe_failures > 0) {
        fmt::format_to(out, "the hypervisor did not answer in {} ticks\n", report.observe_failures);
    }
    if (report.refused_settings > 0) {
        fmt::format_to(out, "{} of the scenario's settings were refused (--verbose tells why)\n",
                       report.refused_settings);
    }

    std::size_t width = 6;
    for (const DomainReport& domain : report.domains) width = std::max(width, domain.name.size());
    const auto row = [&](auto name, auto memory, auto lends, auto most, auto credit, auto out_total,
                         auto back_total, auto held) {
        fmt::format_to(out, "{:<{}} {:>11} {:>11} {:>11} {:>11} {:>11} {:>11}  {}\n", name, width,
                       memory, lends, most, credit, out_total, back_total, held);
    };
    text += '\n';
    text += bold;
    row("DOMAIN", "MEMORY", "LENDS", "MOST", "OOM CREDIT", "LENT", "RETURNED", "HELD BACK BY");
    text += off;
    const std::size_t shown = std::min(report.domains.size(), style.most_rows);
    for (std::size_t i = 0; i < shown; ++i) {
        const DomainReport& domain = report.domains[i];
        row(domain.name, format_size(domain.total_bytes),
            domain.present ? format_size(domain.loaned_bytes) : "gone",
            format_size(domain.most_loaned_bytes), format_size(domain.oom_freed_bytes),
            format_size(domain.inflated_bytes), format_size(domain.deflated_bytes),
            most_often(domain));
    }
    if (shown < report.domains.size()) {
        fmt::format_to(out, "... and {} more (--json has them all)\n",
                       report.domains.size() - shown);
    }

    std::string happened;
    for (std::size_t i = 0; i < shown; ++i) {
        const DomainReport& domain = report.domains[i];
        if (const std::string what = happened_text(domain); !what.empty())
            happened += fmt::format("{:<{}} {}\n", domain.name, width, what);
    }
    if (!happened.empty()) fmt::format_to(out, "\n{}What happened{}\n{}", bold, off, happened);

    fmt::format_to(out, "\n{}Lent over time, as a share of each domain's memory{}\n", bold, off);
    for (std::size_t i = 0; i < shown; ++i) {
        fmt::format_to(out, "{:<{}} {}│{}{}{}│{}\n", report.domains[i].name, width, dim, cyan,
                       chart(report.domains[i]), dim, off);
    }
    fmt::format_to(out, "{:<{}} {}0{:>{}}{}\n", "", width, dim, format_duration(report.duration),
                   kReportBuckets + 1, off);
    return text;
}

}  // namespace ballast
