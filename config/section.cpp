#include "config/section.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/units.h"
#include "config/nearest.h"
#include "config/text.h"

namespace ballast {
namespace {

const YamlField* entry(const YamlNode& node, std::string_view key) noexcept {
    for (const auto& field : node.fields) {
        if (field.key.text == key) return &field;
    }
    return nullptr;
}

const YamlNode* field(const YamlNode& node, std::string_view key) noexcept {
    const auto* const found = entry(node, key);
    return found == nullptr ? nullptr : &found->value;
}

// Numbers and flags in quotes are text.
std::string found_plain(const YamlNode& node) {
    return found(node) + (node.quoted ? " in quotes" : "");
}

}  // namespace

std::string found(const YamlNode& node) {
    if (node.kind == YamlNode::Kind::null) return "empty";
    if (node.kind != YamlNode::Kind::scalar) return std::string(describe(node.kind));
    return fmt::format("'{}'", shown(node.text));
}

void add_problem(std::vector<ConfigProblem>& problems, const YamlNode& node, std::string message) {
    problems.push_back({node.line, node.column, std::move(message)});
}

Section::Section(const YamlNode& node, std::string path, std::vector<ConfigProblem>& problems)
    : node_(node), path_(std::move(path)), problems_(problems) {
    if (node.kind != YamlNode::Kind::map && node.kind != YamlNode::Kind::null) {
        add_problem(problems_, node,
                    fmt::format("{} is {}, expected a map of keys", path_, found(node)));
    }
}

Section::~Section() {
    if (any_key_) return;
    const std::vector<std::string_view> known(known_.begin(), known_.end());
    for (const auto& [key, value] : node_.fields) {
        if (std::find(known.begin(), known.end(), key.text) != known.end()) continue;
        const std::string_view meant = nearest(key.text, known);
        std::string message = fmt::format("unknown key '{}'", shown(full_name(key.text)));
        if (meant.empty()) {
            message += fmt::format("; expected one of: {}", fmt::join(known, ", "));
        } else {
            message += fmt::format("; did you mean '{}'?", meant);
        }
        add_problem(problems_, key, std::move(message));
    }
}

std::string Section::full_name(std::string_view key) const {
    return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

bool Section::has(std::string_view key) const noexcept {
    return field(node_, key) != nullptr;
}

const YamlNode* Section::find(std::string_view key) {
    known_.emplace_back(key);
    return field(node_, key);
}

const YamlNode* Section::list(std::string_view key) {
    const YamlNode* const value = find(key);
    if (value == nullptr || value->kind == YamlNode::Kind::null) return nullptr;
    if (value->kind != YamlNode::Kind::sequence) {
        add_problem(problems_, *value,
                    fmt::format("{} is {}, expected a list", full_name(key), found(*value)));
        return nullptr;
    }
    return value;
}

void Section::problem(std::string_view key, std::string message) {
    const auto* const found = entry(node_, key);
    if (found == nullptr) {
        add_problem(problems_, node_, std::move(message));
    } else {
        // A map or list begins on a later line, perhaps; its key is what people look for.
        const bool scalar = found->value.kind == YamlNode::Kind::scalar;
        add_problem(problems_, scalar ? found->value : found->key, std::move(message));
    }
}

void Section::require(std::string_view key, std::string_view expected) {
    if (has(key)) return;
    problem(key, fmt::format("{} is missing, expected {}", full_name(key), expected));
}

const YamlNode* Section::scalar(std::string_view key, std::string_view expected) {
    const YamlNode* const value = find(key);
    if (value == nullptr) return nullptr;
    if (value->kind != YamlNode::Kind::scalar) {
        add_problem(problems_, *value,
                    fmt::format("{} is {}, expected {}", full_name(key), found(*value), expected));
        return nullptr;
    }
    return value;
}

bool Section::parsed_number(const YamlNode& value, std::string_view key, std::uint64_t& into,
                            Range range) {
    std::uint64_t number = 0;
    const char* const end = value.text.data() + value.text.size();
    const auto [stop, error] = std::from_chars(value.text.data(), end, number);
    const bool whole = error == std::errc{} && stop == end && !value.quoted;
    if (!whole || number < range.min || number > range.max) {
        add_problem(problems_, value,
                    fmt::format("{} is {}, expected a whole number from {} to {}", full_name(key),
                                found_plain(value), range.min, range.max));
        return false;
    }
    into = number;
    return true;
}

bool Section::parsed_size(const YamlNode& value, std::string_view key, std::uint64_t& into,
                          Range range) {
    const auto bytes = parse_size(value.text);
    if (!bytes && bytes.error().sys_errno != ERANGE) {
        add_problem(problems_, value,
                    fmt::format("{} is {}, expected a size such as 256MiB, 1G, 4096KiB or bytes",
                                full_name(key), found(value)));
        return false;
    }
    if (!bytes || *bytes < range.min || *bytes > range.max) {
        const std::string expected =
            range.min == 0 ? fmt::format("at most {}", format_size(range.max))
                           : fmt::format("a size from {} to {}", format_size(range.min),
                                         format_size(range.max));
        add_problem(problems_, value,
                    fmt::format("{} is {}, expected {}", full_name(key), found(value), expected));
        return false;
    }
    into = *bytes;
    return true;
}

bool Section::number(std::string_view key, std::uint64_t& into, Range range) {
    const YamlNode* const value = scalar(key, "a whole number");
    return value != nullptr && parsed_number(*value, key, into, range);
}

bool Section::number(std::string_view key, std::optional<std::uint64_t>& into, Range range) {
    std::uint64_t value = 0;
    if (!number(key, value, range)) return false;
    into = value;
    return true;
}

bool Section::number(std::string_view key, std::uint32_t& into, Range range) {
    std::uint64_t value = 0;
    if (!number(key, value, range)) return false;
    into = static_cast<std::uint32_t>(value);
    return true;
}

bool Section::real(std::string_view key, double& into, double least, double most) {
    const YamlNode* const value = scalar(key, "a number");
    if (value == nullptr) return false;
    double number = 0;
    const char* const end = value->text.data() + value->text.size();
    const auto [stop, error] = std::from_chars(value->text.data(), end, number);
    const bool read = error == std::errc{} && stop == end && !value->quoted;
    if (!read || !(number >= least && number <= most)) {
        add_problem(problems_, *value,
                    fmt::format("{} is {}, expected a number from {} to {}", full_name(key),
                                found_plain(*value), least, most));
        return false;
    }
    into = number;
    return true;
}

bool Section::size(std::string_view key, std::uint64_t& into, Range range) {
    const YamlNode* const value = scalar(key, "a size such as 256MiB");
    return value != nullptr && parsed_size(*value, key, into, range);
}

bool Section::size(std::string_view key, std::optional<std::uint64_t>& into, Range range) {
    std::uint64_t value = 0;
    if (!size(key, value, range)) return false;
    into = value;
    return true;
}

bool Section::duration(std::string_view key, Duration& into, Span span) {
    const YamlNode* const value = scalar(key, "a time such as 5s");
    if (value == nullptr) return false;
    const auto parsed = parse_duration(value->text);
    if (!parsed && parsed.error().sys_errno != ERANGE) {
        add_problem(problems_, *value,
                    fmt::format("{} is {}, expected a time such as 200ms, 1.5s, 10m, 2h or seconds",
                                full_name(key), found(*value)));
        return false;
    }
    if (!parsed || *parsed < span.min || *parsed > span.max) {
        const std::string expected =
            span.min == Duration{0} ? fmt::format("at most {}", format_duration(span.max))
                                    : fmt::format("a time from {} to {}", format_duration(span.min),
                                                  format_duration(span.max));
        add_problem(problems_, *value,
                    fmt::format("{} is {}, expected {}", full_name(key), found(*value), expected));
        return false;
    }
    into = *parsed;
    return true;
}

bool Section::duration(std::string_view key, std::optional<Duration>& into, Span span) {
    Duration value{};
    if (!duration(key, value, span)) return false;
    into = value;
    return true;
}

bool Section::flag(std::string_view key, bool& into) {
    const YamlNode* const value = scalar(key, "true or false");
    if (value == nullptr) return false;
    if (value->quoted || (value->text != "true" && value->text != "false")) {
        add_problem(
            problems_, *value,
            fmt::format("{} is {}, expected true or false", full_name(key), found_plain(*value)));
        return false;
    }
    into = value->text == "true";
    return true;
}

bool Section::flag(std::string_view key, std::optional<bool>& into) {
    bool value = false;
    if (!flag(key, value)) return false;
    into = value;
    return true;
}

bool Section::text(std::string_view key, std::string& into) {
    const YamlNode* const value = scalar(key, "text");
    if (value == nullptr) return false;
    into = value->text;
    return true;
}

std::optional<std::size_t> Section::choice(std::string_view key,
                                           const std::vector<std::string_view>& choices) {
    const std::string expected = fmt::format("one of: {}", fmt::join(choices, ", "));
    const YamlNode* const value = scalar(key, expected);
    if (value == nullptr) return std::nullopt;
    const auto match = std::find(choices.begin(), choices.end(), value->text);
    if (match != choices.end()) return static_cast<std::size_t>(match - choices.begin());
    const std::string_view meant = nearest(value->text, choices);
    add_problem(problems_, *value,
                fmt::format("{} is {}, expected {}{}", full_name(key), found(*value), expected,
                            meant.empty() ? "" : fmt::format("; did you mean '{}'?", meant)));
    return std::nullopt;
}

}  // namespace ballast
