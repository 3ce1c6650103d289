#include "policy/policy_settings.h"

#include <algorithm>

namespace ballast {

std::string_view text_of(const PolicyChoice& choice, std::string_view name,
                         std::string_view otherwise) {
    const auto found = std::find_if(choice.texts.begin(), choice.texts.end(),
                                    [name](const auto& each) { return each.first == name; });
    return found == choice.texts.end() ? otherwise : found->second;
}

}  // namespace ballast
