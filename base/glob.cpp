#include "base/glob.h"

#include <fnmatch.h>

namespace ballast {

bool is_glob(std::string_view pattern) noexcept {
    return pattern.find_first_of("*?[\\") != std::string_view::npos;
}

std::string_view glob_problem(std::string_view pattern) noexcept {
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == '\\') {
            if (++i == pattern.size()) return "ends in a lone '\\'";
        } else if (pattern[i] == '[') {
            // A ']' right after '[' or '[!' stands for itself.
            std::size_t first = i + 1;
            if (first < pattern.size() && (pattern[first] == '!' || pattern[first] == '^')) ++first;
            const std::size_t end = pattern.find(']', first + 1);
            if (end == std::string_view::npos) return "has a '[' without its ']'";
            i = end;
        }
    }
    return {};
}

bool glob_matches(const std::string& pattern, const std::string& name) noexcept {
    return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

}  // namespace ballast
