#include "policy/policy_settings.h"

#include <algorithm>

namespace ballast {

double number_of(const PolicyChoice& choice, std::string_view name) {
    const auto parameters = entry_of(choice.kind).parameters;
    const auto found =
        std::find_if(parameters.begin(), parameters.end(),
                     [name](const PolicyParameter& each) { return each.name == name; });
    const auto place = static_cast<std::size_t>(found - parameters.begin());
    return place < choice.numbers.size() ? choice.numbers[place] : found->by_default;
}

std::string_view text_of(const PolicyChoice& choice, std::string_view name,
                         std::string_view otherwise) {
    const auto found = std::find_if(choice.texts.begin(), choice.texts.end(),
                                    [name](const auto& each) { return each.first == name; });
    return found == choice.texts.end() ? otherwise : found->second;
}

}  // namespace ballast
