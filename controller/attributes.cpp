#include "controller/attributes.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <limits>

namespace ballast {
namespace {

constexpr std::uint64_t kLargestUnsigned = 0xffffffff;      // unsigned int
constexpr std::uint64_t kMaxKib = std::uint64_t{1} << 53U;  // 2^63 bytes

struct Rule {
    Attribute attribute;
    std::string_view name;
    bool global = false;
    bool read_only = false;
    std::uint64_t min = 0;
    std::uint64_t max = kMaxKib;
    std::string_view expected;
};

constexpr std::array<Rule, 11> kRules{{
    {Attribute::delay, "delay", true, false, 1, 3600, "whole seconds from 1 to 3600"},
    {Attribute::hotplug_delay, "hotplug_delay", false, false, 0, 3600,
     "whole seconds from 0 to 3600"},
    {Attribute::oom_kb, "oom_kb", false, false, 0, kLargestUnsigned,
     "KiB, a whole number below 2^32"},
    {Attribute::min_mem_mb, "min_mem_mb", false, false, 0, kMaxKib / 1024, "MiB, a whole number"},
    {Attribute::debug, "debug", true, false, 0, 1, "0 or 1"},
    {Attribute::simulate, "simulate", true, true, 0, 1, ""},
    {Attribute::disable, "disable", false, false, 0, 1, "0 or 1"},
    {Attribute::loaned_kb, "loaned_kb", false, true, 0, 0, ""},
    {Attribute::loaned_target_kb, "loaned_target_kb", false, true, 0, 0, ""},
    {Attribute::oom_freed_kb, "oom_freed_kb", false, false, 0, 0, "0, which clears the credit"},
    {Attribute::simulate_loan_target_kb, "simulate_loan_target_kb", false, false, 0, kMaxKib,
     "KiB, a whole number"},
}};

const Rule& rule_of(Attribute attribute) noexcept {
    return kRules[static_cast<std::size_t>(attribute)];
}

Failure refuse(const Rule& rule, std::string_view value, int sys_errno) {
    return fail(Errc::refused,
                fmt::format("{}: '{}' refused; expected {}", rule.name, value, rule.expected),
                sys_errno);
}

}  // namespace

std::string_view to_string(Attribute attribute) noexcept {
    return rule_of(attribute).name;
}

bool is_global(Attribute attribute) noexcept {
    return rule_of(attribute).global;
}

Result<Attribute> attribute_from_name(std::string_view name) {
    std::string known;
    for (const Rule& rule : kRules) {
        if (rule.name == name) return rule.attribute;
        known.append(known.empty() ? "" : ", ").append(rule.name);
    }
    return fail(Errc::not_found, fmt::format("no attribute '{}'; known: {}", name, known), ENOENT);
}

Result<std::uint64_t> parse_attribute(Attribute attribute, std::string_view value) {
    const Rule& rule = rule_of(attribute);
    if (rule.read_only) {
        return fail(Errc::refused, fmt::format("{} is read-only", rule.name), EACCES);
    }
    // The driver takes nothing but a zero here and answers everything else with "bad message".
    const int out_of_range = attribute == Attribute::oom_freed_kb ? EBADMSG : EINVAL;
    // The kernel reads a number that begins with 0 as octal; so would many people.
    if (value.size() > 1 && value[0] == '0') return refuse(rule, value, out_of_range);
    std::uint64_t number = 0;
    const char* const end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, number);
    if (error == std::errc::result_out_of_range) {
        return refuse(rule, value, attribute == Attribute::oom_freed_kb ? EBADMSG : ERANGE);
    }
    if (error != std::errc{} || stop != end) return refuse(rule, value, out_of_range);
    if (number > rule.max) {
        // The driver's are unsigned int and longer; what fits there is merely not sensible.
        const bool too_long = attribute != Attribute::disable && number > kLargestUnsigned;
        const bool is_size = rule.max >= kLargestUnsigned;
        return refuse(rule, value, too_long || is_size ? ERANGE : out_of_range);
    }
    if (number < rule.min) return refuse(rule, value, out_of_range);
    return number;
}

}  // namespace ballast
