#include "hv_backends/pseries/machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/curve.h"
#include "sim/domain_names.h"

namespace ballast::pseries {
namespace {

std::uint64_t entitled_bytes(const ScenarioDomain& spec) noexcept {
    return spec.entitled_bytes != 0 ? spec.entitled_bytes : spec.memory_bytes;
}

std::uint64_t pool_bytes(const Scenario& scenario) noexcept {
    if (scenario.pool.memory_bytes != 0) return scenario.pool.memory_bytes;
    std::uint64_t sum = 0;
    for (const ScenarioDomain& spec : scenario.domains) sum += spec.count * entitled_bytes(spec);
    return sum;
}

}  // namespace

Result<std::unique_ptr<Machine>> Machine::make(const Scenario& scenario, Tell tell) {
    auto faults = Faults::make(scenario.faults);
    if (!faults) return Failure(faults.error());
    return std::unique_ptr<Machine>(new Machine(scenario, std::move(*faults), std::move(tell)));
}

Machine::Machine(const Scenario& scenario, Faults faults, Tell tell)
    : scenario_(scenario),
      faults_(std::move(faults)),
      tell_(std::move(tell)),
      timeline_(scenario_.events),
      hypervisor_(std::make_unique<Hypervisor>(pool_bytes(scenario_), scenario_.pool.reserve_bytes,
                                               faults_)) {
    for (NamedDomain& named : expand_domains(scenario_.domains)) {
        Domain& domain = domains_.emplace_back();
        domain.spec = &scenario_.domains[named.spec];
        domain.key = key_from_name(named.name);
        domain.seed = mix(scenario_.seed ^ mix(domains_.size()));
        PartitionSpec spec;
        spec.name = named.name;
        spec.memory_bytes = domain.spec->memory_bytes;
        spec.block_bytes = domain.spec->memory_block_bytes;
        spec.entitled_bytes = entitled_bytes(*domain.spec);
        spec.weight = static_cast<std::uint8_t>(domain.spec->weight);
        domain.id = hypervisor_->add_partition(std::move(spec));
        domain.name = std::move(named.name);
        domain_by_key_[domain.key] = domains_.size() - 1;
        power_on(domain);
    }
    hypervisor_->balance();
    rebuild_rows();
}

void Machine::power_on(Domain& domain) {
    domain.partition = std::make_unique<Partition>(
        *domain.spec, domain.name, domain.id, *hypervisor_, faults_, scenario_.hypervisor_calls);
    domain.partition->set_oom_release(domain.oom_release_bytes);
    domain.partition->balloon().on_out_of_memory([this, index = domain_by_key_.at(domain.key)] {
        Domain& short_of_memory = domains_[index];
        Partition& partition = *short_of_memory.partition;
        const std::uint64_t freed = partition.run_out_of_memory();
        tell(EventKind::oom, short_of_memory, partition.bytes(freed));
        return freed;
    });
    domain.flags = domain.spec->deflate_on_oom ? DomainFlags::deflate_on_oom : DomainFlags::none;
}

void Machine::rebuild_rows() {
    rows_.clear();
    for (std::size_t i = 0; i < domains_.size(); ++i) {
        if (domains_[i].partition) rows_.push_back(i);
    }
    ++membership_;
}

void Machine::tell(EventKind kind, const Domain& domain, std::uint64_t bytes) {
    Event event;
    event.kind = kind;
    event.at = Time(now_);
    event.domain = domain.key;
    event.bytes = bytes;
    if (domain.partition) {
        event.loaned_bytes = domain.partition->bytes(domain.partition->balloon().loaned_pages());
    }
    tell_(event);
}

void Machine::advance_to(Duration now) {
    while (const auto at = timeline_.next_at()) {
        if (*at > now) break;
        now_ = *at;
        faults_.set_now(now_);
        const TimelineEntry* const entry = timeline_.pop_due(now);
        const ScenarioEvent& event = timeline_.event_of(*entry);
        if (event.action == ScenarioAction::set_parameter) continue;
        for (Domain& domain : domains_) {
            if (matches_domain(event.domain, domain.name)) happen(event, entry->phase, domain);
        }
    }
    now_ = std::max(now_, now);
    faults_.set_now(now_);
}

void Machine::mark(Domain& domain, DomainFlags bit, bool on) {
    domain.flags = on ? domain.flags | bit : domain.flags & ~bit;
}

void Machine::happen(const ScenarioEvent& event, EventPhase phase, Domain& domain) {
    if (event.action == ScenarioAction::domain_start) {
        if (domain.partition) return;
        power_on(domain);
        rebuild_rows();
        tell(EventKind::domain_came, domain);
        return;
    }
    if (!domain.partition) return;
    const bool begins = phase != EventPhase::end;
    Partition& partition = *domain.partition;
    switch (event.action) {
        case ScenarioAction::loan_request:
            domain.loan_bytes = event.bytes;
            return;
        case ScenarioAction::used:
            domain.used_bytes = event.bytes;
            use_memory(domain, event.bytes);
            return;
        case ScenarioAction::oom:
            tell(EventKind::oom, domain, partition.bytes(partition.run_out_of_memory()));
            return;
        case ScenarioAction::pause:
        case ScenarioAction::resume: {
            const bool pauses = begins && event.action == ScenarioAction::pause;
            mark(domain, DomainFlags::paused, pauses);
            tell(pauses ? EventKind::domain_paused : EventKind::domain_resumed, domain);
            return;
        }
        case ScenarioAction::migrate:
            mark(domain, DomainFlags::migrating, begins);
            tell(begins ? EventKind::migration_began : EventKind::migration_ended, domain);
            return;
        case ScenarioAction::driver_gone:
            mark(domain, DomainFlags::no_driver, begins);
            return;
        case ScenarioAction::stats_stale:
            mark(domain, DomainFlags::stale_stats, begins);
            return;
        case ScenarioAction::hotplug_remove:
        case ScenarioAction::hotplug_add:
        case ScenarioAction::hotplug_cancel:
            hotplug(event, begins, domain);
            return;
        case ScenarioAction::migrate_pages: {
            Balloon& balloon = partition.balloon();
            const auto moved = balloon.migrate(balloon.newest(partition.pages(event.bytes)));
            tell(EventKind::page_migrated, domain, partition.bytes(moved));
            return;
        }
        case ScenarioAction::domain_stop:
            tell(EventKind::domain_went, domain);
            hypervisor_->power_off(domain.id);
            domain.partition.reset();
            domain.used_bytes.reset();
            rebuild_rows();
            return;
        case ScenarioAction::domain_start:
        case ScenarioAction::driver_slow:
        case ScenarioAction::driver_intermittent:
        case ScenarioAction::stats_lying:
        case ScenarioAction::reserve:
        case ScenarioAction::set_parameter:
            return;
    }
}

void Machine::hotplug(const ScenarioEvent& event, bool begins, Domain& domain) {
    Partition& partition = *domain.partition;
    if (event.action == ScenarioAction::hotplug_add) {
        // cmm_memory_cb looks at removals alone.
        if (!begins) partition.add_memory(event.bytes);
        return;
    }
    mark(domain, DomainFlags::hotplug, begins);
    if (begins) {
        partition.begin_removal(event.bytes);
        tell(EventKind::hotplug_began, domain, event.bytes);
        return;
    }
    if (event.action == ScenarioAction::hotplug_cancel) {
        partition.cancel_removal();
        tell(EventKind::hotplug_cancelled, domain);
        return;
    }
    const std::uint64_t moved = partition.finish_removal();
    tell(moved > 0 ? EventKind::hotplug_ended : EventKind::hotplug_cancelled, domain, moved);
}

void Machine::use_memory(Domain& domain, std::uint64_t used_bytes) {
    const std::uint64_t freed = domain.partition->use(used_bytes);
    if (freed > 0) tell(EventKind::oom, domain, domain.partition->bytes(freed));
}

void Machine::observe(Duration now, Observation& into) {
    advance_to(now);
    for (const std::size_t index : rows_) {
        Domain& domain = domains_[index];
        if (!domain.used_bytes && !domain.spec->used.points.empty()) {
            use_memory(domain, curve_value(domain.spec->used, now_, domain.seed));
        }
        const Partition& partition = *domain.partition;
        hypervisor_->set_in_use(domain.id, partition.bytes(partition.guest().used_pages()));
        if (domain.loan_bytes) {
            hypervisor_->set_wanted_loan(domain.id, domain.loan_bytes);
        } else if (domain.spec->loan) {
            hypervisor_->set_wanted_loan(domain.id,
                                         curve_value(*domain.spec->loan, now_, domain.seed));
        }
    }
    hypervisor_->balance();

    DomainTable& table = into.domains;
    if (table.membership != membership_ || table.size() != rows_.size()) {
        table.resize(rows_.size());
        for (std::size_t row = 0; row < rows_.size(); ++row) {
            const Domain& domain = domains_[rows_[row]];
            table.key[row] = domain.key;
            table.name[row] = domain.name;
            table.page_shift[row] = domain.partition->page_shift();
        }
        table.membership = membership_;
    }
    for (std::size_t row = 0; row < rows_.size(); ++row) fill_row(domains_[rows_[row]], row, table);
    into.host.total_bytes = hypervisor_->pool_bytes();
    into.host.available_bytes = hypervisor_->free_bytes();
}

void Machine::fill_row(Domain& domain, std::size_t row, DomainTable& table) {
    const Partition& partition = *domain.partition;
    const std::uint64_t lent = partition.balloon().loaned_pages();
    MppData mpp;
    const bool answered =
        !scenario_.hypervisor_calls || hypervisor_->get_mpp(domain.id, mpp) == HvStatus::success;
    table.flags[row] = answered ? domain.flags : domain.flags | DomainFlags::unanswered;
    table.total_bytes[row] = partition.bytes(partition.guest().managed_pages() + lent);
    table.loaned_bytes[row] = partition.bytes(lent);
    table.loan_request_bytes[row] = mpp.loan_request;
    if (!has(domain.flags, DomainFlags::stale_stats)) {
        domain.unused_bytes = partition.bytes(partition.guest().free_pages());
    }
    table.unused_bytes[row] = domain.unused_bytes;
    table.usable_bytes[row] = domain.unused_bytes;
}

StepOutcome Machine::apply(const Step& step) {
    if (step.row >= rows_.size() || domains_[rows_[step.row]].key != step.domain) {
        return {StepStatus::gone, 0, Constraint::backend_error, "no such partition"};
    }
    Domain& domain = domains_[rows_[step.row]];
    Partition& partition = *domain.partition;
    Balloon& balloon = partition.balloon();
    const std::uint64_t before = balloon.loaned_pages();
    const auto refused = [&](Constraint constraint, const char* why) {
        return StepOutcome{StepStatus::refused, partition.bytes(before), constraint, why};
    };
    if (has(domain.flags, DomainFlags::paused)) {
        return refused(Constraint::paused, "the partition does not run");
    }
    if (has(domain.flags, DomainFlags::no_driver)) {
        return refused(Constraint::no_driver, "no driver answers in the partition");
    }
    if (now_ < busy_until_) {
        return refused(Constraint::backend_error,
                       "the hypervisor has not answered the last call yet");
    }
    const std::uint64_t goal = partition.pages(step.loaned_to_bytes);
    BalloonMove move;
    if (goal > before)
        move = balloon.inflate(goal - before, has(domain.flags, DomainFlags::hotplug));
    if (goal < before) move = balloon.deflate(before - goal);
    if (faults_.delayed()) busy_until_ = now_ + faults_.take_delay();
    const std::uint64_t loaned_bytes = partition.bytes(balloon.loaned_pages());
    if (move.stopped_by == Constraint::none) {
        return {StepStatus::done, loaned_bytes, Constraint::none, {}};
    }
    const bool moved = balloon.loaned_pages() != before;
    return {moved ? StepStatus::partial : StepStatus::refused, loaned_bytes, move.stopped_by,
            std::move(move.detail)};
}

void Machine::adopt(std::span<const Loan> loans) {
    for (const Loan& loan : loans) {
        const auto found = domain_by_key_.find(loan.domain);
        if (found == domain_by_key_.end() || domains_[found->second].partition == nullptr) continue;
        Partition& partition = *domains_[found->second].partition;
        const std::uint64_t lent = partition.balloon().loaned_pages();
        const std::uint64_t goal = partition.pages(loan.loaned_bytes);
        if (goal > lent) partition.balloon().inflate(goal - lent, false);
    }
}

void Machine::set_oom_release(const DomainKey& key, std::uint64_t release_bytes) {
    const auto found = domain_by_key_.find(key);
    if (found == domain_by_key_.end()) return;
    Domain& domain = domains_[found->second];
    domain.oom_release_bytes = release_bytes;
    if (domain.partition) domain.partition->set_oom_release(release_bytes);
}

std::string Machine::audit() const {
    for (const Domain& domain : domains_) {
        if (!domain.partition) continue;
        if (std::string broken = domain.partition->audit(); !broken.empty()) {
            return fmt::format("{}: {}", domain.name, broken);
        }
    }
    return hypervisor_->audit();
}

std::uint64_t Machine::limbo_pages() const noexcept {
    std::uint64_t pages = 0;
    for (const Domain& domain : domains_)
        if (domain.partition) pages += domain.partition->balloon().limbo_pages();
    return pages;
}

}  // namespace ballast::pseries
