#include "policy/request_policy.h"

#include <algorithm>
#include <limits>

namespace ballast {
namespace {

constexpr std::uint64_t kMaxBytes = std::numeric_limits<std::int64_t>::max();

void request_fixed(const DomainTable& domains, std::span<const std::uint64_t> fixed_loan_bytes,
                   std::span<std::int64_t> request_bytes) noexcept {
    for (std::size_t row = 0; row < domains.size(); ++row) {
        const std::uint64_t page_mask = (std::uint64_t{1} << domains.page_shift[row]) - 1;
        const auto target =
            static_cast<std::int64_t>(std::min(fixed_loan_bytes[row], kMaxBytes) & ~page_mask);
        request_bytes[row] = target - static_cast<std::int64_t>(domains.loaned_bytes[row]);
    }
}

}  // namespace

void request_loans(PolicyKind policy, const Observation& seen, const PolicyInputs& inputs,
                   std::span<std::int64_t> request_bytes) noexcept {
    switch (policy) {
        case PolicyKind::cmm:
            std::copy(seen.domains.loan_request_bytes.begin(),
                      seen.domains.loan_request_bytes.end(), request_bytes.begin());
            return;
        case PolicyKind::fixed:
            request_fixed(seen.domains, inputs.fixed_loan_bytes, request_bytes);
            return;
    }
}

}  // namespace ballast
