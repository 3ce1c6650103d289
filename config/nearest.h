// What somebody may have meant.
#pragma once

#include <string_view>
#include <vector>

namespace ballast {

// The candidate nearest to `word` (insertions, deletions, substitutions and swaps of neighbours;
// case, '_' and '-' do not count), if it is near enough to be a slip or `word` is the first part of
// it; else empty. The first of equals wins. Words above 64 characters are near to nothing.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace ballast
