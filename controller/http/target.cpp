#include "controller/http/target.h"

#include <fmt/format.h>

#include <charconv>

namespace ballast {
namespace {

Result<std::string> decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const std::string_view digits = text.substr(i + 1, 2);
        unsigned value = 0;
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
        if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2)
            return fail(Errc::invalid_argument, "broken %-escape in the request's path");
        out += static_cast<char>(value);
        i += 2;
    }
    return out;
}

bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~").find(c) != std::string_view::npos;
}

// Calls `use` for each piece of `text` between separators; stops at the first error.
template <class Use>
Result<void> for_each_piece(std::string_view text, char separator, Use use) {
    for (;;) {
        const std::size_t end = text.find(separator);
        if (auto used = use(text.substr(0, end)); !used) return used;
        if (end == std::string_view::npos) return {};
        text.remove_prefix(end + 1);
    }
}

}  // namespace

Result<Target> parse_target(std::string_view raw) {
    if (raw.empty() || raw.front() != '/')
        return fail(Errc::invalid_argument, "the request's path must begin with /");
    Target target;
    const std::size_t question = raw.find('?');
    const std::string_view path = raw.substr(1, question == raw.npos ? raw.npos : question - 1);
    auto split = for_each_piece(path, '/', [&](std::string_view piece) -> Result<void> {
        auto segment = decode(piece);
        if (!segment) return Failure(segment.error());
        target.segments.push_back(std::move(*segment));
        return {};
    });
    if (!split) return Failure(split.error());
    if (question == raw.npos || question + 1 == raw.size()) return target;
    split = for_each_piece(raw.substr(question + 1), '&', [&](std::string_view piece) {
        const std::size_t equals = piece.find('=');
        auto name = decode(piece.substr(0, equals));
        auto value = decode(equals == piece.npos ? "" : piece.substr(equals + 1));
        if (!name) return Result<void>(Failure(name.error()));
        if (!value) return Result<void>(Failure(value.error()));
        target.query.emplace_back(std::move(*name), std::move(*value));
        return Result<void>();
    });
    if (!split) return Failure(split.error());
    return target;
}

std::string encode_segment(std::string_view segment) {
    std::string out;
    for (const char c : segment) {
        if (is_unreserved(c))
            out += c;
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

}  // namespace ballast
