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
    for (const WorkloadVm& vm : workload.vms)
        bytes.push_back(
            vm.min_mem_bytes == kUnknownBytes
                ? static_cast<std::uint64_t>(static_cast<double>(vm.capacity_bytes) * share)
                : vm.min_mem_bytes);
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
    host.restart_s = constants.restart_s;
    return host;
}

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
    const auto decider =
        make_decider(workload, contestant, terms.demand, constants, min_mem, reserve);
    if (!decider) return with_context(decider.error(), contestant.name);

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
    DemandReader reader(workload, terms.demand);
    std::vector<Bytes> demand(workload.vms.size());
    std::vector<Bytes> loan;
    const auto ticks = static_cast<std::size_t>(workload.length_s / constants.tick_s);
    Sampler sampler(constants.samples, ticks);
    std::optional<Watch> watch;
    if (constants.detail.stretches > 0)
        watch.emplace(workload, contestant, constants, reserve, host);
    for (std::size_t tick = 0; tick <= ticks; ++tick) {
        const double at_s = static_cast<double>(tick) * constants.tick_s;
        reader.read(at_s, demand);
        result.domain_ticks += host.rows().size();
        if (tick == 0)
            host.start(demand);
        else
            host.advance(at_s, constants.tick_s, demand);
        sampler.look(tick, at_s, host, demand, result.samples);
        loan.resize(host.rows().size());
        (*decider)->decide(host, loan);
        if (on_tick) on_tick({host, demand, loan, min_mem});
        if (watch) watch->before(host, demand);
        for (std::size_t row = 0; row < loan.size(); ++row) {
            const std::size_t vm = host.rows()[row];
            const auto least_kept = static_cast<Bytes>(min_mem[vm]);
            host.ask(row,
                     std::clamp<Bytes>(loan[row], 0,
                                       std::max<Bytes>(0, host.guest(vm).capacity() - least_kept)));
        }
        if (watch) watch->after(host, loan, (*decider)->reasons());
    }
    if (watch) result.history = watch->take();
    result.totals = host.totals();
    return result;
}

}  // namespace ballast::compare
