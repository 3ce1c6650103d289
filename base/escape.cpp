#include "base/escape.h"

#include <fmt/format.h>

#include <iterator>

namespace ballast {
namespace {

unsigned byte_at(std::string_view text, std::size_t offset) noexcept {
    return static_cast<unsigned char>(text[offset]);
}

bool continues(std::string_view text, std::size_t offset) noexcept {
    return offset < text.size() && (byte_at(text, offset) & 0xc0U) == 0x80U;
}

std::size_t length_at(std::string_view text, std::size_t offset) noexcept {
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

Utf8Character utf8_at(std::string_view text, std::size_t offset) noexcept {
    const std::size_t size = length_at(text, offset);
    if (size == 0) return {};
    // What the first byte holds beside its length.
    constexpr unsigned kLeadBits[] = {0, 0x7fU, 0x1fU, 0x0fU, 0x07U};
    char32_t code = byte_at(text, offset) & kLeadBits[size];
    for (std::size_t i = 1; i < size; ++i) code = code << 6U | (byte_at(text, offset + i) & 0x3fU);
    return {size, code};
}

bool is_obeyed(char32_t character) noexcept {
    const auto is_within = [character](char32_t first, char32_t last) {
        return character >= first && character <= last;
    };
    return character < 0x20 || is_within(0x7f, 0x9f) || character == 0x61c ||
           is_within(0x200e, 0x200f) || is_within(0x2028, 0x202e) || is_within(0x2066, 0x2069);
}

std::string escaped(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const Utf8Character character = utf8_at(text, at);
        if (character.size > 0 && !is_obeyed(character.code)) {
            out += text.substr(at, character.size);
        } else if (character.code == U'\n') {
            out += "\\n";
        } else if (character.code == U'\t') {
            out += "\\t";
        } else if (character.code > 0xff) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}",
                           static_cast<unsigned>(character.code));
        } else {
            fmt::format_to(
                std::back_inserter(out), "\\x{:02x}",
                character.size > 0 ? static_cast<unsigned>(character.code) : byte_at(text, at));
        }
        at += character.size > 0 ? character.size : 1;
    }
    return out;
}

}  // namespace ballast
