#include "model/policy_catalogue.h"

#include <algorithm>
#include <array>

namespace ballast {
namespace {

constexpr std::array kCatalogue{
    PolicyEntry{PolicyKind::cmm, "cmm", "lends what the hypervisor asks for", {}, {}},
    PolicyEntry{PolicyKind::fixed, "fixed", "lends what an operator set for each domain", {}, {}},
    PolicyEntry{PolicyKind::still, "static", "never moves a balloon", {}, {}},
};

}  // namespace

std::span<const PolicyEntry> policy_catalogue() noexcept {
    return kCatalogue;
}

const PolicyEntry* find_policy(std::string_view name) noexcept {
    const auto* const found =
        std::find_if(kCatalogue.begin(), kCatalogue.end(),
                     [name](const PolicyEntry& entry) { return entry.name == name; });
    return found == kCatalogue.end() ? nullptr : found;
}

const PolicyEntry& entry_of(PolicyKind kind) noexcept {
    return *std::find_if(kCatalogue.begin(), kCatalogue.end(),
                         [kind](const PolicyEntry& entry) { return entry.kind == kind; });
}

PolicyChoice default_choice(PolicyKind kind) {
    PolicyChoice choice;
    choice.kind = kind;
    for (const PolicyParameter& parameter : entry_of(kind).parameters)
        choice.numbers.push_back(parameter.by_default);
    return choice;
}

}  // namespace ballast
