#include "policy/policy.h"

#include <algorithm>
#include <limits>

#include "policy/ballast_policy.h"
#include "policy/cpuplugd_policy.h"
#include "policy/rules_policy.h"
#include "policy/squeezed_policy.h"

namespace ballast {
namespace {

constexpr std::uint64_t kMaxBytes = std::numeric_limits<std::int64_t>::max();

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
            const std::uint64_t page_mask = (std::uint64_t{1} << domains.page_shift[row]) - 1;
            const auto target = static_cast<std::int64_t>(
                std::min(inputs.fixed_loan_bytes[row], kMaxBytes) & ~page_mask);
            request_bytes[row] = target - static_cast<std::int64_t>(domains.loaned_bytes[row]);
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
            return std::make_unique<BallastPolicy>(ballast_settings(choice.numbers));
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
    }
    return fail(Errc::invalid_argument, "there is no such policy");
}

}  // namespace ballast
