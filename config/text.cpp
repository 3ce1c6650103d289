#include "config/text.h"

#include <algorithm>

namespace ballast {
namespace {

constexpr std::size_t kMostShown = 64;

unsigned byte_at(std::string_view text, std::size_t offset) noexcept {
    return static_cast<unsigned char>(text[offset]);
}

bool continues(std::string_view text, std::size_t offset) noexcept {
    return offset < text.size() && (byte_at(text, offset) & 0xc0U) == 0x80U;
}

// Length of the character at `offset`; 0 if it is malformed, overlong or a surrogate.
std::size_t utf8_length(std::string_view text, std::size_t offset) noexcept {
    const unsigned lead = byte_at(text, offset);
    if (lead < 0x80U) return 1;
    if (lead < 0xc2U || lead > 0xf4U || !continues(text, offset + 1)) return 0;
    if (lead < 0xe0U) return 2;
    const unsigned second = byte_at(text, offset + 1);
    if (!continues(text, offset + 2)) return 0;
    if (lead < 0xf0U) {
        const bool overlong = lead == 0xe0U && second < 0xa0U;
        const bool surrogate = lead == 0xedU && second >= 0xa0U;
        return overlong || surrogate ? 0 : 3;
    }
    const bool overlong = lead == 0xf0U && second < 0x90U;
    const bool too_large = lead == 0xf4U && second >= 0x90U;
    return overlong || too_large || !continues(text, offset + 3) ? 0 : 4;
}

}  // namespace

std::string shown(std::string_view text) {
    std::size_t end = std::min(text.size(), kMostShown);
    while (end > 0 && end < text.size() && continues(text, end)) --end;
    std::string out(text.substr(0, end));
    for (char& c : out) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    }
    if (end < text.size()) out += "...";
    return out;
}

std::size_t find_non_utf8(std::string_view text) noexcept {
    for (std::size_t offset = 0; offset < text.size();) {
        const std::size_t length = utf8_length(text, offset);
        if (length == 0) return offset;
        offset += length;
    }
    return std::string_view::npos;
}

Place place_of(std::string_view text, std::size_t offset) noexcept {
    const std::string_view before = text.substr(0, offset);
    const auto line_start = before.rfind('\n');
    return {
        1 + static_cast<int>(std::count(before.begin(), before.end(), '\n')),
        static_cast<int>(line_start == std::string_view::npos ? offset + 1 : offset - line_start)};
}

}  // namespace ballast
