#include "config/scenario_names.h"

#include "base/glob.h"

namespace ballast {
std::string ScenarioNames::add(const ScenarioDomain& domain) {
    std::string taken;
    for (std::uint32_t number = 1; number <= domain.count; ++number) {
        std::string name = name_of(domain, number);
        const auto [entry, is_new] = spec_by_name_.try_emplace(std::move(name), specs_.size());
        if (!is_new && taken.empty()) taken = entry->first;
    }
    specs_.push_back(&domain);
    return taken;
}

bool ScenarioNames::any_name_matches(const ScenarioDomain& domain,
                                     const std::string& pattern) const {
    for (std::uint32_t number = 1; number <= domain.count; ++number) {
        if (glob_matches(pattern, name_of(domain, number))) return true;
    }
    return false;
}

std::vector<SpecIndex> ScenarioNames::matching(const std::string& pattern) const {
    std::vector<SpecIndex> found;
    if (!pattern.empty() && !is_glob(pattern)) {
        const auto named = spec_by_name_.find(pattern);
        if (named != spec_by_name_.end()) found.push_back(named->second);
        return found;
    }
    for (SpecIndex spec = 0; spec < specs_.size(); ++spec) {
        if (pattern.empty() || any_name_matches(*specs_[spec], pattern)) found.push_back(spec);
    }
    return found;
}

}  // namespace ballast
