#include "sim/recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ballast {
namespace {

bool came_short(StepStatus status) noexcept {
    return status != StepStatus::done && status != StepStatus::accepted;
}

}  // namespace

Recorder::Recorder(Duration duration, std::ostream* csv)
    : bucket_(std::max(duration / static_cast<std::int64_t>(kReportBuckets), Duration{1})),
      csv_(csv) {
    if (csv_ != nullptr) {
        *csv_ << "time_s,domain,total_bytes,request_bytes,loan_target_bytes,loaned_bytes,"
                 "oom_freed_bytes,constraint\n";
    }
}

void Recorder::add(const Snapshot& snapshot, Duration since_start) {
    if (snapshot.names != names_) map_rows(snapshot);
    if (report_.host_available_start_bytes == kUnknownBytes) {
        report_.host_available_start_bytes = snapshot.host.available_bytes;
    }
    const auto bucket =
        std::min(static_cast<std::size_t>(since_start / bucket_), kReportBuckets - 1);
    for (std::size_t row = 0; row < snapshot.decisions.size(); ++row) {
        add_row(snapshot.decisions[row], domain_of_row_[row], bucket);
        if (csv_ != nullptr) write_csv(snapshot, row, since_start);
    }
    report_.host_total_bytes = snapshot.host.total_bytes;
    report_.host_available_bytes = snapshot.host.available_bytes;
    report_.ticks = snapshot.tick.number;
    report_.events = snapshot.tick.events;
    report_.observe_failures = snapshot.tick.observe_failures;
    report_.backend = snapshot.backend_name;
    report_.policy = snapshot.policy_name;
}

void Recorder::add(const Event& event) {
    Happened& happened = happened_[event.domain];
    ++happened.by_kind[static_cast<std::size_t>(event.kind)];
    if (event.kind == EventKind::oom) happened.oom_bytes += event.bytes;
}

SimulationReport Recorder::report() const {
    SimulationReport report = report_;
    for (std::size_t i = 0; i < report.domains.size(); ++i) {
        const auto found = happened_.find(lives_[i].key);
        if (found == happened_.end()) continue;
        report.domains[i].events_by_kind = found->second.by_kind;
        report.domains[i].oom_bytes = found->second.oom_bytes;
    }
    return report;
}

void Recorder::map_rows(const Snapshot& snapshot) {
    names_ = snapshot.names;
    domain_of_row_.clear();
    std::vector<bool> was_present;
    for (DomainReport& domain : report_.domains) {
        was_present.push_back(domain.present);
        domain.present = false;
    }
    for (std::size_t row = 0; row < names_->key.size(); ++row) {
        const auto [entry, is_new] =
            domain_by_key_.try_emplace(names_->key[row], report_.domains.size());
        if (is_new) {
            DomainReport& domain = report_.domains.emplace_back();
            domain.name = names_->name[row];
            domain.loaned_series.fill(kUnknownBytes);
            lives_.push_back({names_->key[row], {}, {}});
        } else if (!was_present[entry->second]) {
            for (Moved* moved : {&lives_[entry->second].inflated, &lives_[entry->second].deflated})
                moved->before_bytes += std::exchange(moved->bytes, 0);
        }
        report_.domains[entry->second].present = true;
        domain_of_row_.push_back(entry->second);
    }
    for (DomainReport& domain : report_.domains) {
        if (domain.present) continue;
        domain.loaned_bytes = domain.loan_target_bytes = domain.oom_freed_bytes = 0;
        domain.constraint = Constraint::none;
    }
}

void Recorder::add_row(const Decision& decision, std::size_t index, std::size_t bucket) {
    DomainReport& domain = report_.domains[index];
    Life& life = lives_[index];
    life.inflated.bytes = decision.inflated_total_bytes;
    life.deflated.bytes = decision.deflated_total_bytes;
    domain.total_bytes = decision.total_bytes;
    domain.loaned_bytes = decision.loaned_after_bytes;
    domain.loan_target_bytes = decision.loan_target_bytes;
    domain.oom_freed_bytes = decision.oom_freed_bytes;
    domain.constraint = decision.constraint;
    domain.most_loaned_bytes = std::max(domain.most_loaned_bytes, decision.loaned_after_bytes);
    domain.inflated_bytes = life.inflated.before_bytes + life.inflated.bytes;
    domain.deflated_bytes = life.deflated.before_bytes + life.deflated.bytes;
    ++domain.ticks_by_constraint[static_cast<std::size_t>(decision.constraint)];
    if (came_short(decision.outcome))
        ++domain.short_moves[static_cast<std::size_t>(decision.outcome)];
    std::uint64_t& sample = domain.loaned_series[bucket];
    sample = sample == kUnknownBytes ? decision.loaned_after_bytes
                                     : std::max(sample, decision.loaned_after_bytes);
}

void Recorder::write_csv(const Snapshot& snapshot, std::size_t row, Duration since_start) {
    const Decision& decision = snapshot.decisions[row];
    *csv_ << fmt::format("{:.3f},{},{},{},{},{},{},{}\n",
                         std::chrono::duration<double>(since_start).count(),
                         snapshot.names->name[row], decision.total_bytes, decision.request_bytes,
                         decision.loan_target_bytes, decision.loaned_after_bytes,
                         decision.oom_freed_bytes, to_string(decision.constraint));
}

}  // namespace ballast
