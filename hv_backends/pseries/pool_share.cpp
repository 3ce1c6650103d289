#include "hv_backends/pseries/pool_share.h"

#include <algorithm>

#include "base/units.h"

namespace ballast::pseries {
namespace {

using Wide = unsigned __int128;

// A round ends when everything is given out or everyone has enough; each pass either ends it or
// satisfies someone. The bound keeps a tick linear; what is left over then stays in the pool.
constexpr int kMaxPasses = 16;

// Weight 0 still gets what nobody else wants.
std::uint64_t effective(std::uint32_t weight) noexcept {
    return weight == 0 ? 1 : std::uint64_t{weight} * 256;
}

// Raises the grants of all members that are not fixed towards cap(member), by weight.
template <class Cap>
void fill(std::uint64_t& rest, const std::vector<PoolMember>& members,
          std::vector<std::uint64_t>& grants, Cap cap) {
    for (int pass = 0; pass < kMaxPasses && rest > 0; ++pass) {
        std::uint64_t need = 0;
        std::uint64_t weights = 0;
        for (std::size_t i = 0; i < members.size(); ++i) {
            const std::uint64_t limit = cap(members[i]);
            if (members[i].fixed || grants[i] >= limit) continue;
            need += limit - grants[i];
            weights += effective(members[i].weight);
        }
        if (need == 0) return;
        const bool enough = need <= rest;
        std::uint64_t given = 0;
        for (std::size_t i = 0; i < members.size(); ++i) {
            const std::uint64_t limit = cap(members[i]);
            if (members[i].fixed || grants[i] >= limit) continue;
            const Wide share = Wide{rest} * effective(members[i].weight) / weights;
            const std::uint64_t missing = limit - grants[i];
            const std::uint64_t add =
                enough || share >= missing ? missing : static_cast<std::uint64_t>(share);
            grants[i] += add;
            given += add;
        }
        rest -= given;
        if (enough || given == 0) return;
    }
}

}  // namespace

void share_pool(std::uint64_t capacity_bytes, const std::vector<PoolMember>& members,
                std::vector<std::uint64_t>& loans) {
    // `loans` holds the grants until the end.
    loans.assign(members.size(), 0);
    std::uint64_t rest = capacity_bytes;
    for (std::size_t i = 0; i < members.size(); ++i) {
        const PoolMember& member = members[i];
        if (!member.fixed) continue;
        loans[i] = member.memory_bytes - std::min(member.memory_bytes, member.fixed_loan_bytes);
        rest -= std::min(rest, loans[i]);
    }
    fill(rest, members, loans, [](const PoolMember& member) {
        return std::min({member.memory_bytes, member.entitled_bytes, member.in_use_bytes});
    });
    fill(rest, members, loans, [](const PoolMember& member) {
        return std::min(member.memory_bytes, member.in_use_bytes + member.in_use_bytes / 8);
    });
    fill(rest, members, loans, [](const PoolMember& member) { return member.memory_bytes; });
    for (std::size_t i = 0; i < members.size(); ++i) {
        const PoolMember& member = members[i];
        if (member.fixed) {
            loans[i] = std::min(member.memory_bytes, member.fixed_loan_bytes);
            continue;
        }
        const std::uint64_t loan = member.memory_bytes - loans[i];
        loans[i] = std::min(member.memory_bytes, (loan + kMiB - 1) / kMiB * kMiB);
    }
}

}  // namespace ballast::pseries
