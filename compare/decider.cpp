#include "compare/decider.h"

#include <algorithm>

#include "compare/controller_decider.h"
#include "policy/policy.h"
#include "policy/policy_inputs.h"
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
                  std::unique_ptr<Policy> policy, const HostInputs& host)
        : workload_(workload),
          min_mem_of_vm_(min_mem_bytes),
          policy_(std::move(policy)),
          host_inputs_(host) {}

    void decide(SimHost& host, std::span<Bytes> loan) override {
        host.observe(seen_);
        request_.resize(host.rows().size());
        host_inputs_.reserved_bytes = static_cast<std::uint64_t>(host.reserved());
        const auto domain_of = [this, &host](std::size_t row) {
            const std::size_t vm = host.rows()[row];
            const Bytes asked = host.asked(vm);
            return DomainInputs{
                .fixed_loan_bytes = workload_.vms[vm].fixed_loan_bytes,
                .min_mem_bytes = min_mem_of_vm_[vm],
                .set_bytes = asked == kNotAsked ? kUnknownBytes : static_cast<std::uint64_t>(asked),
                .shares = workload_.vms[vm].shares};
        };
        policy_->request(seen_, inputs_.build(seen_.domains, host_inputs_, domain_of), request_);
        for (std::size_t row = 0; row < loan.size(); ++row) {
            const Bytes page = Bytes{1} << seen_.domains.page_shift[row];
            loan[row] = static_cast<Bytes>(seen_.domains.loaned_bytes[row]) +
                        std::clamp(request_[row], -kFar, kFar) / page * page;
        }
    }
    std::span<const RequestReason> reasons() const noexcept override { return policy_->reasons(); }

  private:
    static constexpr std::int64_t kFar = std::int64_t{1} << 60U;  // beyond any capacity

    const Workload& workload_;
    const std::vector<std::uint64_t>& min_mem_of_vm_;
    std::unique_ptr<Policy> policy_;
    HostInputs host_inputs_;
    PolicyInputsBuilder inputs_;
    Observation seen_;
    std::vector<std::int64_t> request_;
};

}  // namespace

Result<std::unique_ptr<Decider>> make_decider(const Workload& workload,
                                              const Contestant& contestant, const Terms& terms,
                                              const Constants& constants,
                                              const std::vector<std::uint64_t>& min_mem_bytes,
                                              std::uint64_t reserve_bytes, SimHost& host) {
    if (!contestant.policy)
        return std::make_unique<ClairvoyantDecider>(workload, terms.demand, constants);
    auto policy = make_policy(*contestant.policy);
    if (!policy) return Failure(policy.error());
    if (terms.controller != nullptr)
        return std::make_unique<ControllerDecider>(workload, *contestant.policy, *terms.controller,
                                                   constants, min_mem_bytes, reserve_bytes, host);
    const HostInputs inputs{.reserve_bytes = reserve_bytes,
                            .short_below_bytes = constants.short_below_bytes,
                            .short_below_percent = constants.short_below_percent};
    return std::make_unique<PolicyDecider>(workload, min_mem_bytes, std::move(*policy), inputs);
}

}  // namespace ballast::compare
