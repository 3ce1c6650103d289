#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/units.h"
#include "model/domain_names.h"
#include "model/snapshot.h"

namespace ballast {
namespace {

std::string_view trouble_of(const Snapshot& snapshot, std::size_t row) {
    const auto found = std::lower_bound(
        snapshot.troubles.begin(), snapshot.troubles.end(), row,
        [](const DomainTrouble& trouble, std::size_t wanted) { return trouble.row < wanted; });
    if (found == snapshot.troubles.end() || found->row != row) return {};
    return found->detail;
}

void append_request(const Decision& decision, std::string_view policy, bool is_decided,
                    std::string& text) {
    auto out = std::back_inserter(text);
    if (!is_decided) {
        fmt::format_to(out, "Nothing was decided in this tick, and its last figures count");
    } else if (decision.request_bytes > 0) {
        fmt::format_to(out, "Policy {} asks it to lend {} more", policy,
                       format_size(static_cast<std::uint64_t>(decision.request_bytes)));
    } else if (decision.request_bytes < 0) {
        fmt::format_to(out, "Policy {} wants {} given back to it", policy,
                       format_size(0 - static_cast<std::uint64_t>(decision.request_bytes)));
    } else {
        fmt::format_to(out, "Policy {} asks for no change", policy);
    }
    if (const auto why = describe(decision.request_reason); !why.empty())
        fmt::format_to(out, ", because {}", why);
    fmt::format_to(out, ". It lends {} of {}, so it keeps {}; min_mem_mb guards {}.",
                   format_size(decision.loaned_before_bytes), format_size(decision.total_bytes),
                   format_size(decision.total_bytes -
                               std::min(decision.total_bytes, decision.loaned_before_bytes)),
                   format_size(decision.min_mem_bytes));
    if (decision.oom_freed_bytes > 0) {
        fmt::format_to(
            out, " It holds an OOM credit of {}: it took that back when it ran out of memory.",
            format_size(decision.oom_freed_bytes));
    }
}

void append_age(const Decision& decision, std::string& text) {
    if (!has_old_figures(decision.stats_age_ms)) return;
    fmt::format_to(std::back_inserter(text), " The guest's figures are {} s old.",
                   decision.stats_age_ms / 1000);
}

void append_limit(const Decision& decision, std::string& text) {
    if (decision.limit_bytes >= decision.total_bytes) return;
    fmt::format_to(std::back_inserter(text),
                   " It is given no more than {}: the memory cgroup around it, or its <memtune>, "
                   "can hold no more beside what QEMU itself needs.",
                   format_size(decision.limit_bytes));
}

// What the nodes have that the domain is bound to.
void append_nodes(const Decision& decision, const std::vector<HostNode>& nodes, std::string& text) {
    auto out = std::back_inserter(text);
    for (const HostNode& node : nodes) {
        if ((decision.node_mask >> node.id & 1U) == 0 || node.available_bytes == kUnknownBytes ||
            node.total_bytes == kUnknownBytes)
            continue;
        fmt::format_to(out, " NUMA node {}, which its memory comes from, {} {} of {} available.",
                       node.id, is_short(node) ? "is short: it has" : "has",
                       format_size(node.available_bytes), format_size(node.total_bytes));
    }
}

void append_outcome(const Decision& decision, bool dry_run, std::string& text) {
    auto out = std::back_inserter(text);
    if (decision.decided_bytes == decision.loaned_before_bytes) {
        text += dry_run ? " Nothing would move" : " Nothing moves";
    } else {
        const auto change = static_cast<std::int64_t>(decision.decided_bytes) -
                            static_cast<std::int64_t>(decision.loaned_before_bytes);
        fmt::format_to(out, " Decided: lend {} ({})", format_size(decision.decided_bytes),
                       format_signed_size(change));
    }
    if (decision.constraint == Constraint::none) {
        fmt::format_to(out, "; nothing stood in the way.");
    } else {
        fmt::format_to(out, "; what bound it is {}: {}.", to_string(decision.constraint),
                       meaning(decision));
    }
    if (decision.decided_bytes == decision.loaned_before_bytes) return;
    if (dry_run) {
        fmt::format_to(out, " This is a dry run: it would lend {}, and goes on lending {}.",
                       format_size(decision.decided_bytes),
                       format_size(decision.loaned_after_bytes));
        return;
    }
    switch (decision.outcome) {
        case StepStatus::done:
            fmt::format_to(out, " Done: it lends {} now.",
                           format_size(decision.loaned_after_bytes));
            return;
        case StepStatus::accepted:
            fmt::format_to(out, " The guest has been asked and moves in its own time.");
            return;
        case StepStatus::partial:
        case StepStatus::refused:
        case StepStatus::gone:
        case StepStatus::failed:
            fmt::format_to(out, " The move came short ({}): it lends {} now and its target is {}.",
                           to_string(decision.outcome), format_size(decision.loaned_after_bytes),
                           format_size(decision.loan_target_bytes));
            return;
    }
}

}  // namespace

std::string_view meaning(const Decision& decision) noexcept {
    const std::string_view detail = describe(decision.hold_detail);
    return detail.empty() ? describe(decision.constraint) : detail;
}

std::string explain(const Snapshot& snapshot, std::size_t row) {
    const Decision& decision = snapshot.decisions[row];
    std::string text =
        fmt::format("{}, tick {}: ", full_name(*snapshot.names, row), snapshot.tick.number);
    if (!snapshot.backend_up) {
        fmt::format_to(std::back_inserter(text), "the hypervisor does not answer ({}). ",
                       snapshot.backend_error);
    }
    append_request(decision, snapshot.policy_name, snapshot.backend_up, text);
    append_age(decision, text);
    append_limit(decision, text);
    append_nodes(decision, snapshot.host.nodes, text);
    append_outcome(decision, snapshot.dry_run, text);
    if (has(decision.flags, DomainFlags::unanswered) && snapshot.backend_up)
        text += " The hypervisor did not report its balloon's size this time.";
    if (const auto trouble = trouble_of(snapshot, row); !trouble.empty()) {
        fmt::format_to(std::back_inserter(text), " The hypervisor said: {}.", trouble);
    }
    return text;
}

}  // namespace ballast
