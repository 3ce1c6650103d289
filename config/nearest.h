// What somebody may have meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ballast {

// The candidate nearest to `word` (insertions, deletions, substitutions and swaps of neighbours),
// if it is near enough to be a slip; else empty. The first of equals wins.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace ballast
