#include "sim/domain_names.h"

#include "base/glob.h"

namespace ballast {

std::vector<NamedDomain> expand_domains(const std::vector<ScenarioDomain>& domains) {
    std::vector<NamedDomain> all;
    for (std::size_t i = 0; i < domains.size(); ++i) {
        for (std::uint32_t number = 1; number <= domains[i].count; ++number)
            all.push_back({name_of(domains[i], number), i});
    }
    return all;
}

bool matches_domain(const std::string& pattern, std::string_view name) {
    if (pattern.empty() || pattern == name) return true;
    return is_glob(pattern) && glob_matches(pattern, std::string(name));
}

}  // namespace ballast
