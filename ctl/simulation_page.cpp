#include "ctl/simulation_page.h"

#include <fmt/format.h>

#include <algorithm>

namespace ballast::ctl {
namespace {

using report::Why;

constexpr std::size_t kMostDomains = 1000;

std::int64_t known(std::uint64_t bytes) {
    return bytes == kUnknownBytes ? report::kAbsent : static_cast<std::int64_t>(bytes);
}

std::int64_t kept(const Decision& decision) {
    return static_cast<std::int64_t>(decision.total_bytes -
                                     std::min(decision.total_bytes, decision.loaned_after_bytes));
}

// Guests told it before anything was moved.
std::int64_t in_use(const Decision& decision) {
    if (decision.usable_bytes == kUnknownBytes) return report::kAbsent;
    const std::uint64_t not_used = decision.loaned_before_bytes + decision.usable_bytes;
    return static_cast<std::int64_t>(decision.total_bytes -
                                     std::min(decision.total_bytes, not_used));
}

// The name and the tick stand beside it already.
std::string words(const Snapshot& snapshot, std::size_t row) {
    const std::string text = explain(snapshot, row);
    const std::string before =
        fmt::format("{}, tick {}: ", snapshot.names->name[row], snapshot.tick.number);
    return text.starts_with(before) ? text.substr(before.size()) : text;
}

}  // namespace

SimulationPage::SimulationPage(Duration length, std::uint64_t reserve_bytes)
    : recorder_(std::chrono::duration<double>(length).count(),
                report::detail_for(1, kMostDomains)) {
    input_.length_s = std::chrono::duration<double>(length).count();
    run_.reserve_bytes = static_cast<std::int64_t>(reserve_bytes);
}

void SimulationPage::add(const Snapshot& snapshot, Duration since_start) {
    const double at_s = std::chrono::duration<double>(since_start).count();
    if (snapshot.names != names_) map_rows(snapshot, at_s);
    report::HostFigures host;
    host.kept = 0;
    host.available = known(snapshot.host.available_bytes);
    for (std::size_t row = 0; row < snapshot.decisions.size(); ++row) {
        add_row(snapshot, row, at_s);
        host.kept += kept(snapshot.decisions[row]);
        const std::int64_t used = in_use(snapshot.decisions[row]);
        if (used != report::kAbsent)
            host.demand = (host.demand == report::kAbsent ? 0 : host.demand) + used;
    }
    recorder_.add(at_s, host);
    run_.policy = snapshot.policy_name;
    run_.host_bytes = std::max<std::int64_t>(0, known(snapshot.host.total_bytes));
    input_.tick_s = std::chrono::duration<double>(snapshot.delay).count();
}

void SimulationPage::map_rows(const Snapshot& snapshot, double at_s) {
    const bool at_start = names_ == nullptr;
    names_ = snapshot.names;
    domain_of_row_.clear();
    std::vector<bool> present(last_.size());
    for (std::size_t row = 0; row < names_->key.size(); ++row) {
        const auto [entry, is_new] =
            domain_by_key_.try_emplace(names_->key[row], input_.domains.size());
        if (is_new) {
            input_.domains.push_back({names_->name[row], 0});
            last_.emplace_back();
            present.push_back(false);
        }
        present[entry->second] = true;
        domain_of_row_.push_back(entry->second);
    }
    for (std::size_t domain = 0; domain < last_.size(); ++domain) {
        Last& last = last_[domain];
        if (last.present == present[domain]) continue;
        const auto lent = static_cast<std::int64_t>(last.loaned_bytes);
        if (!present[domain])
            recorder_.add({at_s, domain, lent, 0, {Why::went, {}, 0, {}}});
        else if (!at_start)
            recorder_.add({at_s, domain, 0, 0, {Why::came, {}, 0, {}}});
        last = {};
        last.present = present[domain];
    }
}

void SimulationPage::add_row(const Snapshot& snapshot, std::size_t row, double at_s) {
    const Decision& decision = snapshot.decisions[row];
    const std::size_t domain = domain_of_row_[row];
    Last& last = last_[domain];
    input_.domains[domain].capacity_bytes = std::max(
        input_.domains[domain].capacity_bytes, static_cast<std::int64_t>(decision.total_bytes));
    recorder_.add(at_s, domain, {kept(decision), in_use(decision), 0});
    const auto before = static_cast<std::int64_t>(decision.loaned_before_bytes);
    if (decision.oom_freed_bytes > last.credit_bytes) {
        const auto taken = static_cast<std::int64_t>(decision.oom_freed_bytes - last.credit_bytes);
        recorder_.add_oom(at_s, domain);
        recorder_.add({at_s, domain, before + taken, before, {Why::took_back, {taken, 0}, 0, {}}});
    }
    const bool moves = decision.decided_bytes != decision.loaned_before_bytes;
    if (moves && decision.decided_bytes != last.asked_bytes)
        recorder_.add({at_s,
                       domain,
                       before,
                       static_cast<std::int64_t>(decision.decided_bytes),
                       {Why::told, {}, 0, words(snapshot, row)}});
    last.asked_bytes = decision.decided_bytes;
    last.loaned_bytes = decision.loaned_after_bytes;
    last.credit_bytes = decision.oom_freed_bytes;
}

report::Page SimulationPage::take(const std::string& scenario, const SimulationReport& report) {
    input_.name = scenario;
    run_.history = recorder_.take();
    input_.runs.push_back(std::move(run_));
    report::Page page;
    page.title = "What did the controller do, and why?";
    page.facts_title = "The run";
    page.facts = {{"scenario", report.description, ""},
                  {"backend", report.backend, ""},
                  {"policy", report.policy, ""},
                  {"profile", report.profile, ""},
                  {"seed", std::to_string(report.seed), ""},
                  {"ticks", std::to_string(report.ticks), ""},
                  {"events", std::to_string(report.events), ""}};
    page.inputs.push_back(std::move(input_));
    return page;
}

}  // namespace ballast::ctl
