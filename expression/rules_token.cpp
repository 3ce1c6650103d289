#include "expression/rules_token.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace ballast::rules {
namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool in_name(char c) {
    return is_letter(c) || is_digit(c) || c == '.';
}

struct Suffix {
    std::string_view text;
    double factor;
};
constexpr std::array<Suffix, 6> kSuffixes{
    {{"", 1}, {"%", 0.01}, {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}}};

// Longer ones first.
constexpr std::array<std::string_view, 18> kSigns{
    "<=", ">=", "==", "!=", "&&", "||", "+", "-", "*", "/", "<", ">", "!", "(", ")", "[", "]", ","};

template <class Test>
std::size_t length_of(std::string_view text, Test test) {
    return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), test) -
                                    text.begin());
}

Result<Token> number_token(Token token, std::string_view rest) {
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), token.number,
                                              std::chars_format::fixed);
    const auto digits = static_cast<std::size_t>(end - rest.data());
    if (error != std::errc{}) return fail_at(token.column, "this number is too large");
    const std::string_view behind = rest.substr(digits);
    const std::size_t length =
        behind.starts_with('%') ? 1 : length_of(behind, [](char c) { return in_name(c); });
    const std::string_view suffix = behind.substr(0, length);
    const auto* const found =
        std::find_if(kSuffixes.begin(), kSuffixes.end(),
                     [suffix](const Suffix& each) { return each.text == suffix; });
    if (found == kSuffixes.end())
        return fail_at(token.column + digits,
                       fmt::format("'{}' is no suffix, expected KiB, MiB, GiB, TiB or %", suffix));
    token.text = rest.substr(0, digits + length);
    token.whole = length == 0 && std::all_of(token.text.begin(), token.text.end(), is_digit);
    token.number *= found->factor;
    return token;
}

}  // namespace

Failure fail_at(std::size_t column, std::string_view message) {
    return fail(Errc::invalid_argument, fmt::format("column {}: {}", column, message));
}

Result<Token> next_token(std::string_view text, std::size_t& at) {
    at += length_of(text.substr(at), is_blank);
    const std::string_view rest = text.substr(at);
    Token token;
    token.column = at + 1;
    if (rest.empty()) return token;
    if (is_digit(rest[0])) {
        token.kind = Token::Kind::number;
        const Result<Token> number = number_token(token, rest);
        if (number) at += number->text.size();
        return number;
    }
    if (is_letter(rest[0])) {
        token.kind = Token::Kind::name;
        token.text = rest.substr(0, length_of(rest, in_name));
    } else {
        const auto* const sign =
            std::find_if(kSigns.begin(), kSigns.end(),
                         [rest](std::string_view each) { return rest.starts_with(each); });
        if (sign == kSigns.end())
            return fail_at(token.column,
                           fmt::format("'{}' has no meaning here",
                                       rest[0] > ' ' && rest[0] <= '~' ? rest.substr(0, 1) : "?"));
        token.kind = Token::Kind::sign;
        token.text = rest.substr(0, sign->size());
    }
    at += token.text.size();
    return token;
}

}  // namespace ballast::rules
