#include "policy/row_state.h"

#include <unordered_map>

namespace ballast {

bool RowFollower::changed(const DomainTable& domains) {
    if (begun_ && membership_ == domains.membership && keys_.size() == domains.size()) return false;
    std::unordered_map<DomainKey, std::size_t> old;
    for (std::size_t row = 0; row < keys_.size(); ++row) old.emplace(keys_[row], row);
    old_rows_.assign(domains.size(), none);
    for (std::size_t row = 0; row < domains.size(); ++row) {
        const auto found = old.find(domains.key[row]);
        if (found == old.end()) continue;
        old_rows_[row] = found->second;
        old.erase(found);  // two rows of one key do not share a memory
    }
    keys_ = domains.key;
    membership_ = domains.membership;
    begun_ = true;
    return true;
}

}  // namespace ballast
