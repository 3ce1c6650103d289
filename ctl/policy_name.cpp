#include "ctl/policy_name.h"

#include <fmt/format.h>

#include "config/nearest.h"

namespace ballast::ctl {

Result<const PolicyEntry*> policy_named(std::string_view name, std::string_view also) {
    if (const PolicyEntry* const entry = find_policy(name)) return entry;
    std::vector<std::string_view> known;
    for (const PolicyEntry& one : policy_catalogue()) known.push_back(one.name);
    if (!also.empty()) known.push_back(also);
    const std::string_view meant = nearest(name, known);
    return fail(Errc::invalid_argument,
                fmt::format("there is no policy '{}'; {}", name,
                            meant.empty() ? fmt::format("expected {}", fmt::join(known, ", "))
                                          : fmt::format("did you mean {}?", meant)));
}

}  // namespace ballast::ctl
