#include "config/text.h"

#include <algorithm>

#include "base/escape.h"

namespace ballast {
namespace {

constexpr std::size_t kMostShown = 64;

bool continues(std::string_view text, std::size_t offset) noexcept {
    return offset < text.size() && (static_cast<unsigned char>(text[offset]) & 0xc0U) == 0x80U;
}

}  // namespace

std::string shown(std::string_view text) {
    std::size_t end = std::min(text.size(), kMostShown);
    while (end > 0 && end < text.size() && continues(text, end)) --end;
    std::string out;
    for (std::size_t at = 0; at < end;) {
        const Utf8Character character = utf8_at(text, at);
        const std::size_t size = std::max<std::size_t>(character.size, 1);
        const bool is_unsafe = character.size > 0 && is_obeyed(character.code);
        out += is_unsafe ? "?" : text.substr(at, size);
        at += size;
    }
    if (end < text.size()) out += "...";
    return out;
}

std::size_t find_non_utf8(std::string_view text) noexcept {
    for (std::size_t offset = 0; offset < text.size();) {
        const std::size_t length = utf8_at(text, offset).size;
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
