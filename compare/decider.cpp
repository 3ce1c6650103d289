#include "compare/decider.h"

#include <algorithm>

#include "policy/policy.h"
#include "sim/clairvoyant.h"

namespace ballast::compare {
namespace {

class ClairvoyantDecider final : public Decider {
  public:
    ClairvoyantDecider(const Workload& workload, DemandScale demand, const Constants& constants)
        : clairvoyant_(workload, demand, constants.tick_s, constants.look_ahead_s) {}
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
          reserve_bytes_(reserve_bytes),
          policy_(std::move(policy)),
          wanted_reader_(DemandReader::of_loans(workload)),
          wanted_(workload.vms.size()) {
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
        inputs_.reserved_bytes = static_cast<std::uint64_t>(host.reserved());
        inputs_.host_reserve_bytes = reserve_bytes_ + inputs_.reserved_bytes;
        for (std::size_t row = 0; row < held_.size(); ++row)
            held_[row] = has(seen_.domains.flags[row], DomainFlags::starting) ? 1 : 0;
        policy_->request(seen_, inputs_, request_);
        for (std::size_t row = 0; row < loan.size(); ++row)
            loan[row] = static_cast<Bytes>(seen_.domains.loaned_bytes[row]) +
                        std::clamp(request_[row], -kFar, kFar);
    }
    std::span<const RequestReason> reasons() const noexcept override { return policy_->reasons(); }

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
    std::uint64_t reserve_bytes_;
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

}  // namespace

Result<std::unique_ptr<Decider>> make_decider(const Workload& workload,
                                              const Contestant& contestant, DemandScale demand,
                                              const Constants& constants,
                                              const std::vector<std::uint64_t>& min_mem_bytes,
                                              std::uint64_t reserve_bytes) {
    if (!contestant.policy)
        return std::make_unique<ClairvoyantDecider>(workload, demand, constants);
    auto policy = make_policy(*contestant.policy);
    if (!policy) return Failure(policy.error());
    return std::make_unique<PolicyDecider>(workload, min_mem_bytes, std::move(*policy),
                                           reserve_bytes);
}

}  // namespace ballast::compare
