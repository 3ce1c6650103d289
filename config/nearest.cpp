#include "config/nearest.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

namespace ballast {
namespace {

constexpr std::size_t kLongestWord = 64;
using Row = std::array<std::size_t, kLongestWord + 1>;

// "minMemMB", "min-mem-mb" and "min_mem_mb" are one word.
std::string folded(std::string_view word) {
    std::string out;
    for (const char c : word) {
        if (c == '_' || c == '-' || c == ' ') continue;
        out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return out;
}

// Optimal string alignment distance (Damerau-Levenshtein without edits inside a swap).
std::size_t distance(std::string_view a, std::string_view b) noexcept {
    Row before_last{};
    Row last{};
    Row row{};
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        before_last = last;
        last = row;
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
    }
    return row[b.size()];
}

// Half of a name ("min_mem" for "min_mem_mb") is near too.
bool is_part(std::string_view a, std::string_view b) noexcept {
    constexpr std::size_t kShortestPart = 3;
    if (a.size() > b.size()) std::swap(a, b);
    return a.size() >= kShortestPart && b.substr(0, a.size()) == a;
}

}  // namespace

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
    if (word.size() > kLongestWord) return {};
    const std::string meant = folded(word);
    const std::size_t most = std::max<std::size_t>(meant.size() / 3, 1);
    std::string_view best;
    std::size_t best_distance = most + 1;
    for (const std::string_view candidate : candidates) {
        if (candidate.size() > kLongestWord) continue;
        const std::string name = folded(candidate);
        std::size_t found = distance(meant, name);
        if (is_part(meant, name)) found = std::min(found, most);
        if (found < best_distance) {
            best = candidate;
            best_distance = found;
        }
    }
    return best;
}

}  // namespace ballast
