// Blanks around a word.
#pragma once

#include <string_view>

namespace ballast {

// `text` without the spaces and tabs before and after it.
constexpr std::string_view trim(std::string_view text) noexcept {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace ballast
