#include "controller/http/call.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

namespace ballast {
namespace {

// Calls `use(index, piece)` for each segment of a pattern; stops when it returns false.
template <class Use>
bool for_each_segment(std::string_view pattern, Use use) {
    pattern.remove_prefix(1);
    for (std::size_t index = 0;; ++index) {
        const std::size_t slash = pattern.find('/');
        if (!use(index, pattern.substr(0, slash))) return false;
        if (slash == std::string_view::npos) return true;
        pattern.remove_prefix(slash + 1);
    }
}

bool is_placeholder(std::string_view piece) {
    return piece.starts_with('{');
}

}  // namespace

bool matches(std::string_view pattern, const Target& target) {
    std::size_t count = 0;
    const bool fits = for_each_segment(pattern, [&](std::size_t index, std::string_view piece) {
        count = index + 1;
        if (index >= target.segments.size()) return false;
        const std::string& segment = target.segments[index];
        return is_placeholder(piece) ? !segment.empty() : segment == piece;
    });
    return fits && count == target.segments.size();
}

std::string Api::Call::parameter(std::string_view word) const {
    std::string found;
    for_each_segment(pattern, [&](std::size_t index, std::string_view piece) {
        if (!is_placeholder(piece) || piece.substr(1, piece.size() - 2) != word) return true;
        found = target.segments[index];
        return false;
    });
    return found;
}

Result<std::uint64_t> Api::Call::number(std::string_view name, std::uint64_t otherwise,
                                        std::uint64_t max) const {
    const auto found = std::find_if(target.query.begin(), target.query.end(),
                                    [&](const auto& entry) { return entry.first == name; });
    if (found == target.query.end()) return otherwise;
    const std::string& text = found->second;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value > max)
        return fail(Errc::invalid_argument,
                    fmt::format("parameter '{}' must be a number of 0 to {}", name, max));
    return value;
}

Result<void> Api::Call::only_parameters(std::initializer_list<std::string_view> known) const {
    for (auto entry = target.query.begin(); entry != target.query.end(); ++entry) {
        if (std::find(known.begin(), known.end(), entry->first) == known.end())
            return fail(Errc::invalid_argument,
                        fmt::format("unknown parameter '{}'", entry->first));
        const bool twice = std::any_of(target.query.begin(), entry, [&](const auto& earlier) {
            return earlier.first == entry->first;
        });
        if (twice)
            return fail(Errc::invalid_argument,
                        fmt::format("parameter '{}' is given twice", entry->first));
    }
    return {};
}

Result<std::map<std::string, std::string>> Api::Call::body_fields(
    std::initializer_list<std::string_view> known) const {
    std::map<std::string, std::string> fields;
    if (request.body.empty()) return fields;
    const Json body = Json::parse(request.body, nullptr, false);
    if (!body.is_object())
        return fail(Errc::invalid_argument, "the request's body must be a JSON object");
    for (const auto& [key, field] : body.items()) {
        if (std::find(known.begin(), known.end(), key) == known.end())
            return fail(Errc::invalid_argument, fmt::format("unknown field '{}'; expected '{}'",
                                                            key, fmt::join(known, "', '")));
        if (!field.is_string())
            return fail(Errc::invalid_argument, fmt::format("field '{}' must be a string", key));
        fields[key] = field.get<std::string>();
    }
    return fields;
}

Result<std::optional<std::string>> Api::Call::body_field(std::string_view name) const {
    const auto fields = body_fields({name});
    if (!fields) return Failure(fields.error());
    if (fields->empty()) return std::optional<std::string>();
    return fields->begin()->second;
}

}  // namespace ballast
