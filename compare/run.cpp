#include "compare/run.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "policy/policy.h"
#include "sim/clairvoyant.h"

namespace ballast::compare {
namespace {

// Decides the loans of all rows once a tick.
class Decider {
  public:
    virtual ~Decider() = default;
    virtual void decide(SimHost& host, std::span<Bytes> loan) = 0;
};

class ClairvoyantDecider final : public Decider {
  public:
    ClairvoyantDecider(const Workload& workload, const Terms& terms, const Constants& constants)
        : clairvoyant_(workload, terms.demand, constants.tick_s, constants.look_ahead_s) {}
    void decide(SimHost& host, std::span<Bytes> loan) override { clairvoyant_.decide(host, loan); }

  private:
    Clairvoyant clairvoyant_;
};

// Shows a policy what a controller would, and makes loans of its requests.
class PolicyDecider final : public Decider {
  public:
    PolicyDecider(const Workload& workload, const std::vector<std::uint64_t>& min_mem_bytes,
                  std::unique_ptr<Policy> policy, std::uint64_t reserve_bytes)
        : workload_(workload),
          min_mem_of_vm_(min_mem_bytes),
          policy_(std::move(policy)),
          wanted_reader_(DemandReader::of_loans(workload)),
          wanted_(workload.vms.size()) {
        inputs_.host_reserve_bytes = reserve_bytes;
        somebody_asks_ =
            std::any_of(workload.vms.begin(), workload.vms.end(),
                        [](const WorkloadVm& vm) { return vm.loan_series != kNoSeries; });
    }

    void decide(SimHost& host, std::span<Bytes> loan) override {
        host.observe(seen_);
        ask_for_loans(host);
        if (listed_ != host.membership()) list_rows(host);
        for (std::size_t row = 0; row < set_.size(); ++row) {
            const Bytes asked = host.asked(host.rows()[row]);
            set_[row] = asked == kNotAsked ? kUnknownBytes : static_cast<std::uint64_t>(asked);
        }
        policy_->request(seen_, inputs_, request_);
        for (std::size_t row = 0; row < loan.size(); ++row)
            loan[row] = static_cast<Bytes>(seen_.domains.loaned_bytes[row]) +
                        std::clamp(request_[row], -kFar, kFar);
    }

  private:
    static constexpr std::int64_t kFar = std::int64_t{1} << 60U;  // beyond any capacity

    // What the hypervisor of a scenario wants, relative to what is lent; where it says nothing, 0.
    void ask_for_loans(const SimHost& host) {
        if (!somebody_asks_) return;
        wanted_reader_.read(host.at_s(), wanted_);
        for (std::size_t row = 0; row < host.rows().size(); ++row) {
            const std::size_t vm = host.rows()[row];
            if (workload_.vms[vm].loan_series != kNoSeries)
                seen_.domains.loan_request_bytes[row] = wanted_[vm] - host.guest(vm).loaned();
        }
    }

    void list_rows(const SimHost& host) {
        const std::size_t rows = host.rows().size();
        listed_ = host.membership();
        request_.assign(rows, 0);
        set_.assign(rows, kUnknownBytes);
        held_.assign(rows, 0);
        fixed_.clear();
        min_mem_.clear();
        shares_.clear();
        for (const std::size_t vm : host.rows()) {
            fixed_.push_back(workload_.vms[vm].fixed_loan_bytes);
            min_mem_.push_back(min_mem_of_vm_[vm]);
            shares_.push_back(workload_.vms[vm].shares);
        }
        inputs_.fixed_loan_bytes = fixed_;
        inputs_.min_mem_bytes = min_mem_;
        inputs_.shares = shares_;
        inputs_.set_bytes = set_;
        inputs_.held = held_;
    }

    const Workload& workload_;
    const std::vector<std::uint64_t>& min_mem_of_vm_;
    std::unique_ptr<Policy> policy_;
    DemandReader wanted_reader_;
    std::vector<Bytes> wanted_;
    bool somebody_asks_ = false;
    PolicyInputs inputs_;
    Observation seen_;
    std::uint64_t listed_ = 0;
    std::vector<std::int64_t> request_;
    std::vector<std::uint64_t> fixed_;
    std::vector<std::uint64_t> min_mem_;
    std::vector<std::uint64_t> set_;
    std::vector<std::uint32_t> shares_;
    std::vector<std::uint8_t> held_;
};

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
        }
        sample.resident = host.resident();
        sample.swapped = host.swapped();
        const HarmTotals& totals = host.totals();
        const double stall_s = totals.guest_stall_s + totals.host_stall_s;
        const double guest_s = totals.guest_s - guest_s_;
        sample.stall_percent = guest_s > 0 ? 100 * (stall_s - stall_s_) / guest_s : 0;
        stall_s_ = stall_s;
        guest_s_ = totals.guest_s;
    }

  private:
    std::size_t samples_;
    std::size_t ticks_;
    double stall_s_ = 0;
    double guest_s_ = 0;
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
                      const Constants& constants) {
    const auto host_constants = host_of(workload, terms, constants);
    if (!host_constants) return Failure(host_constants.error());
    const std::vector<std::uint64_t> min_mem = min_mem_of(workload, constants.min_mem_share);
    const std::uint64_t reserve =
        workload.reserve_bytes > 0
            ? workload.reserve_bytes
            : static_cast<std::uint64_t>(static_cast<double>(host_constants->memory) *
                                         constants.reserve_share);
    std::unique_ptr<Decider> decider;
    if (contestant.policy) {
        auto policy = make_policy(*contestant.policy);
        if (!policy) return with_context(policy.error(), contestant.name);
        decider = std::make_unique<PolicyDecider>(workload, min_mem, std::move(*policy), reserve);
    } else {
        decider = std::make_unique<ClairvoyantDecider>(workload, terms, constants);
    }

    RunResult result;
    result.policy = contestant.name;
    result.demand = terms.demand;
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
        decider->decide(host, loan);
        for (std::size_t row = 0; row < loan.size(); ++row) {
            const std::size_t vm = host.rows()[row];
            const auto least_kept = static_cast<Bytes>(min_mem[vm]);
            host.ask(row,
                     std::clamp<Bytes>(loan[row], 0,
                                       std::max<Bytes>(0, host.guest(vm).capacity() - least_kept)));
        }
    }
    result.totals = host.totals();
    return result;
}

}  // namespace ballast::compare
