// Names and globs.
#pragma once

#include <string>
#include <string_view>

namespace ballast {

// True if `pattern` holds a character that makes it a glob rather than a name.
bool is_glob(std::string_view pattern) noexcept;

// Why `pattern` can match nothing it was meant to ("has a '[' without its ']'"); empty if it is
// sound.
std::string_view glob_problem(std::string_view pattern) noexcept;

// As fnmatch(3).
bool glob_matches(const std::string& pattern, const std::string& name) noexcept;

}  // namespace ballast
