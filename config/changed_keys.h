// What differs between two configurations, key by key.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ballast {

// One key of the file whose value differs; a list counts as one value. Where a key is absent, its
// value is empty.
struct ChangedKey {
    std::string name;  // "state.on_stop"
    std::string before;
    std::string after;
};

// The keys of either text that the other lacks or has another value for, in the order in which they
// stand in `after`, then those that only `before` has. Both are configurations that were read
// without a problem; defaults are not known here. Pure.
std::vector<ChangedKey> changed_keys(std::string_view before, std::string_view after);

}  // namespace ballast
