#include "policy/proxmox_policy.h"

#include <vector>

#include "base/units.h"
#include "policy/memory_targets.h"
#include "policy/peers/proxmox.h"
#include "policy/periodic.h"
#include "policy/row_state.h"

namespace ballast {
namespace {

class ProxmoxPolicy final : public Policy {
  public:
    explicit ProxmoxPolicy(const PolicyChoice& choice)
        : used_percent_(number_of(choice, "host_used_percent")),
          most_change_bytes_(number_of(choice, "most_change_mib") * static_cast<double>(kMiB)),
          deciding_(number_of(choice, "period_s")) {}

    void request(const Observation& seen, const PolicyInputs& inputs,
                 std::span<std::int64_t> request_bytes) override {
        if (rows_.follow(seen.domains, targets_)) vms_.resize(targets_.size());
        if (deciding_.due(seen.at)) decide(seen, inputs);
        write_requests(seen.domains, inputs, targets_, request_bytes);
    }

  private:
    void decide(const Observation& seen, const PolicyInputs& inputs) {
        const auto free_bytes = host_free_bytes(seen, inputs);
        if (!free_bytes || seen.host.total_bytes == kUnknownBytes) return;
        for (std::size_t row = 0; row < vms_.size(); ++row)
            vms_[row] = is_held(inputs, row) ? proxmox::Vm{} : view(seen.domains, inputs, row);
        const auto total_bytes = static_cast<double>(seen.host.total_bytes);
        const double goal_bytes =
            proxmox::host_goal_bytes(total_bytes, total_bytes - *free_bytes, used_percent_);
        const auto answers = algorithm_.compute(vms_, goal_bytes, most_change_bytes_);
        for (std::size_t row = 0; row < answers.size(); ++row)
            if (answers[row]) targets_[row].set(*answers[row]);
    }

    static proxmox::Vm view(const DomainTable& domains, const PolicyInputs& inputs,
                            std::size_t row) {
        const std::uint64_t unused = domains.unused_bytes[row];
        return {.max_bytes = static_cast<double>(domains.total_bytes[row]),
                .balloon_bytes = static_cast<double>(kept_bytes(domains, row)),
                .min_bytes = static_cast<double>(least_bytes(inputs, row)),
                .free_bytes = unused == kUnknownBytes ? 0 : static_cast<double>(unused),
                .shares = shares_of(inputs, row),
                .migrating = has(domains.flags[row], DomainFlags::migrating)};
    }

    double used_percent_;
    double most_change_bytes_;
    Periodic deciding_;
    RowFollower rows_;
    std::vector<proxmox::Vm> vms_;
    proxmox::AutoBalloon algorithm_;
    std::vector<MemoryTarget> targets_;
};

}  // namespace

std::unique_ptr<Policy> make_proxmox_policy(const PolicyChoice& choice) {
    return std::make_unique<ProxmoxPolicy>(choice);
}

}  // namespace ballast
