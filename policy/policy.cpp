#include "policy/policy.h"

#include <algorithm>

#include "policy/esx_policy.h"
#include "policy/hyperv_policy.h"
#include "policy/memory_targets.h"
#include "policy/mom_policy.h"
#include "policy/proxmox_policy.h"
#include "policy/psi_policy.h"
#include "policy/qmemman_policy.h"

#include "policy/ballast_policy.h"
#include "policy/cpuplugd_policy.h"
#include "policy/rules_policy.h"
#include "policy/squeezed_policy.h"

namespace ballast {
namespace {

class CmmPolicy final : public Policy {
  public:
    void request(const Observation& seen, const PolicyInputs&,
                 std::span<std::int64_t> request_bytes) override {
        std::copy(seen.domains.loan_request_bytes.begin(), seen.domains.loan_request_bytes.end(),
                  request_bytes.begin());
    }
};

// Rounds its target down to whole pages of the domain, as the driver's KB2PAGES does.
class FixedPolicy final : public Policy {
  public:
    void request(const Observation& seen, const PolicyInputs& inputs,
                 std::span<std::int64_t> request_bytes) override {
        const DomainTable& domains = seen.domains;
        for (std::size_t row = 0; row < domains.size(); ++row) {
            request_bytes[row] = request_to_lend(domains, row, inputs.fixed_loan_bytes[row]);
        }
    }
};

class StaticPolicy final : public Policy {
  public:
    void request(const Observation&, const PolicyInputs&,
                 std::span<std::int64_t> request_bytes) override {
        std::fill(request_bytes.begin(), request_bytes.end(), 0);
    }
};

}  // namespace

Result<std::unique_ptr<Policy>> make_policy(const PolicyChoice& choice) {
    switch (choice.kind) {
        case PolicyKind::ballast:
            if (number_of(choice, "least_room_percent") > number_of(choice, "most_room_percent"))
                return fail(Errc::invalid_argument,
                            "least_room_percent is more than most_room_percent");
            return std::make_unique<BallastPolicy>(ballast_settings(choice));
        case PolicyKind::cmm:
            return std::make_unique<CmmPolicy>();
        case PolicyKind::fixed:
            return std::make_unique<FixedPolicy>();
        case PolicyKind::still:
            return std::make_unique<StaticPolicy>();
        case PolicyKind::squeezed:
            return make_squeezed_policy(choice);
        case PolicyKind::cpuplugd:
            return make_cpuplugd_policy(choice);
        case PolicyKind::rules:
            return make_rules_policy(choice);
        case PolicyKind::mom:
            return make_mom_policy(choice);
        case PolicyKind::proxmox:
            return make_proxmox_policy(choice);
        case PolicyKind::qmemman:
            return make_qmemman_policy(choice);
        case PolicyKind::esx:
            return make_esx_policy(choice);
        case PolicyKind::hyperv:
            return make_hyperv_policy(choice);
        case PolicyKind::psi:
            return make_psi_policy(choice);
    }
    return fail(Errc::invalid_argument, "there is no such policy");
}

Result<void> check_policy(const PolicyChoice& choice) {
    const auto made = make_policy(choice);
    if (!made) return Failure(made.error());
    return {};
}

}  // namespace ballast
