#include "compare/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "compare/decider.h"
#include "compare/watch.h"

namespace ballast::compare {
namespace {

// So that no sum of what guests and host have leaves 63 bits.
constexpr double kMostBytes = 288230376151711744.0;  // 2^58

// Takes the samples of a run at even distances.
class Sampler {
  public:
    Sampler(std::size_t samples, std::size_t ticks) : samples_(samples), ticks_(ticks) {}

    void look(std::size_t tick, double at_s, const SimHost& host, std::span<const Bytes> demand,
              std::vector<RunSample>& into) {
        if (into.size() == samples_ || tick * samples_ < (into.size() + 1) * ticks_) return;
        RunSample& sample = into.emplace_back();
        sample.at_s = at_s;
        for (const std::size_t vm : host.rows()) {
            sample.lent += host.guest(vm).loaned();
            sample.demand += demand[vm];
            sample.unused += host.guest(vm).free();
            sample.usable += host.guest(vm).usable();
            sample.cache += host.guest(vm).hot() + host.guest(vm).cold();
        }
        sample.resident = host.resident();
        sample.swapped = host.swapped();
        const HarmTotals& totals = host.totals();
        const double stall_s = totals.guest_stall_s + totals.host_stall_s;
        const double guest_s = totals.guest_s - guest_s_;
        sample.stall_percent = guest_s > 0 ? 100 * (stall_s - stall_s_) / guest_s : 0;
        const auto pages = static_cast<std::uint64_t>(totals.guest_faulted / kSimPage);
        sample.guest_faults = pages - std::exchange(guest_faults_, pages);
        sample.guest_ooms = totals.guest_ooms - std::exchange(guest_ooms_, totals.guest_ooms);
        stall_s_ = stall_s;
        guest_s_ = totals.guest_s;
    }

  private:
    std::size_t samples_;
    std::size_t ticks_;
    double stall_s_ = 0;
    double guest_s_ = 0;
    std::uint64_t guest_faults_ = 0;
    std::uint64_t guest_ooms_ = 0;
};

std::vector<std::uint64_t> min_mem_of(const Workload& workload, double share) {
    std::vector<std::uint64_t> bytes;
    for (const WorkloadVm& vm : workload.vms) {
        const std::uint64_t least =
            vm.min_mem_bytes == kUnknownBytes
                ? static_cast<std::uint64_t>(static_cast<double>(vm.capacity_bytes) * share)
                : vm.min_mem_bytes;
        bytes.push_back(least / kMiB * kMiB);  // as a daemon's setting
    }
    return bytes;
}

Result<HostConstants> host_of(const Workload& workload, const Terms& terms,
                              const Constants& constants) {
    const auto capacity = static_cast<double>(largest_capacity_bytes(workload));
    const double memory =
        terms.overcommit ? capacity / *terms.overcommit : static_cast<double>(workload.host_bytes);
    if (capacity > kMostBytes)
        return fail(Errc::invalid_argument, workload.name + ": expected at most 256 PiB in all");
    if (!(memory >= 1))
        return fail(Errc::invalid_argument, workload.name + ": expected a ratio of overcommit");
    HostConstants host;
    host.memory = static_cast<Bytes>(memory);
    host.own = static_cast<Bytes>(constants.host_own_bytes);
    host.swap = static_cast<Bytes>(capacity * constants.host_swap_share);
    if (!terms.overcommit && workload.host_swap_bytes != kUnknownBytes)
        host.swap = static_cast<Bytes>(std::min<std::uint64_t>(
            workload.host_swap_bytes, static_cast<std::uint64_t>(kMostBytes)));
    host.restart_s = constants.restart_s;
    return host;
}

// Between nothing and what the row may lend at most.
void decide_all(const SimHost& host, std::span<const Bytes> loan,
                const std::vector<std::uint64_t>& min_mem, std::vector<Bytes>& decided) {
    decided.resize(loan.size());
    for (std::size_t row = 0; row < loan.size(); ++row) {
        const std::size_t vm = host.rows()[row];
        const WorkloadVm& machine = host.workload().vms[vm];
        const Bytes page = Bytes{1} << machine.page_shift;
        const Bytes lendable = (host.guest(vm).capacity() & ~(page - 1)) -
                               (static_cast<Bytes>(min_mem[vm]) & ~(page - 1));
        decided[row] = std::clamp<Bytes>(loan[row], 0, std::max<Bytes>(0, lendable));
    }
}

// As a daemon asks: not again for what is there or on its way back; a guest that gives more than is
// wanted is called off.
void ask(SimHost& host, std::span<const Bytes> decided) {
    for (std::size_t row = 0; row < decided.size(); ++row) {
        const std::size_t vm = host.rows()[row];
        const Bytes goal = decided[row];
        if (goal == host.guest(vm).loaned() && host.asked(vm) <= goal) continue;
        host.ask(row, goal);
    }
}

// What the host itself needs, where a workload tells it over time.
class OwnReader {
  public:
    OwnReader(const Workload& workload, const Terms& terms) {
        if (workload.own_series == kNoSeries || terms.overcommit) return;
        const auto& points = workload.series[workload.own_series].points;
        next_ = points.data();
        end_ = next_ + points.size();
    }
    void read(double at_s, SimHost& host) {
        for (; next_ != end_ && next_->at_s <= at_s; ++next_)
            host.set_own_beyond(static_cast<Bytes>(next_->bytes));
    }

  private:
    const DemandPoint* next_ = nullptr;
    const DemandPoint* end_ = nullptr;
};

}  // namespace

double RunResult::stall_percent() const noexcept {
    return totals.guest_s > 0 ? 100 * (totals.guest_stall_s + totals.host_stall_s) / totals.guest_s
                              : 0;
}

Result<RunResult> run(const Workload& workload, const Contestant& contestant, const Terms& terms,
                      const Constants& constants, const OnTick& on_tick) {
    const auto host_constants = host_of(workload, terms, constants);
    if (!host_constants) return Failure(host_constants.error());
    const std::vector<std::uint64_t> min_mem = min_mem_of(workload, constants.min_mem_share);
    const std::uint64_t reserve =
        workload.reserve_bytes > 0
            ? workload.reserve_bytes
            : static_cast<std::uint64_t>(static_cast<double>(host_constants->memory) *
                                         constants.reserve_share);
    constexpr double kMostSteps = 1e8;
    if (!(workload.length_s / constants.tick_s <= kMostSteps))
        return fail(Errc::invalid_argument,
                    fmt::format("{}: {:g} s in steps of {:g} s are more than {:g} steps; are its "
                                "times in seconds?",
                                workload.name, workload.length_s, constants.tick_s, kMostSteps));

    RunResult result;
    result.policy = contestant.name;
    result.demand = terms.demand;
    result.reserve_bytes = reserve;
    result.host_bytes = static_cast<std::uint64_t>(host_constants->memory);
    result.overcommit =
        terms.overcommit.value_or(static_cast<double>(largest_capacity_bytes(workload)) /
                                  static_cast<double>(host_constants->memory));

    SimHost host(workload, constants.guest, *host_constants);
    const auto decider =
        make_decider(workload, contestant, terms, constants, min_mem, reserve, host);
    if (!decider) return with_context(decider.error(), contestant.name);
    DemandReader reader(workload, terms.demand);
    std::vector<Bytes> demand(workload.vms.size());
    OwnReader own(workload, terms);
    std::vector<Bytes> loan;
    std::vector<Bytes> decided;
    const bool as_recorded = constants.recorded_ticks && !workload.ticks_s.empty();
    const std::size_t ticks = as_recorded
                                  ? workload.ticks_s.size() - 1
                                  : static_cast<std::size_t>(workload.length_s / constants.tick_s);
    Sampler sampler(constants.samples, ticks);
    std::optional<Watch> watch;
    if (constants.detail.stretches > 0)
        watch.emplace(workload, contestant, constants, reserve, host);
    for (std::size_t tick = 0; tick <= ticks; ++tick) {
        const double at_s =
            as_recorded ? workload.ticks_s[tick] : static_cast<double>(tick) * constants.tick_s;
        double step_s =
            as_recorded && tick > 0 ? at_s - workload.ticks_s[tick - 1] : constants.tick_s;
        if (constants.stats_late_s > 0 && tick > 0) {
            const double late_s = std::min(constants.stats_late_s, step_s);
            // Statistics are of a moment between two ticks.
            if (late_s < step_s) {
                reader.read(at_s - late_s, demand);
                host.advance(at_s - late_s, step_s - late_s, demand);
            }
            host.tell_statistics();
            step_s = late_s;
        }
        reader.read(at_s, demand);
        result.domain_ticks += host.rows().size();
        own.read(at_s, host);
        if (tick == 0)
            host.start(demand, at_s);
        else
            host.advance(at_s, step_s, demand);
        sampler.look(tick, at_s, host, demand, result.samples);
        loan.resize(host.rows().size());
        if (watch) watch->before(host, demand);
        (*decider)->decide(host, loan);
        if ((*decider)->asks_itself())
            decided.assign((*decider)->decided().begin(), (*decider)->decided().end());
        else
            decide_all(host, loan, min_mem, decided);
        if (on_tick) on_tick({host, demand, loan, decided, min_mem});
        if (!(*decider)->asks_itself()) ask(host, decided);
        if (watch) watch->after(host, loan, (*decider)->reasons());
    }
    if (watch) result.history = watch->take();
    if (const ControllerTicks* const counted = (*decider)->controller_ticks())
        result.controller = *counted;
    result.totals = host.totals();
    return result;
}

}  // namespace ballast::compare
