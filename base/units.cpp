#include "base/units.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/trim.h"

namespace ballast {
namespace {

struct NumberAndUnit {
    std::string_view number;
    std::string_view unit;
};

NumberAndUnit split(std::string_view text) {
    text = trim(text);
    const auto end = text.find_first_not_of("0123456789.");
    if (end == std::string_view::npos) return {text, {}};
    return {text.substr(0, end), trim(text.substr(end))};
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

// Digits with at most one '.', as an exact product with `factor` when that is a whole number.
Result<std::uint64_t> scaled(std::string_view number, std::uint64_t factor, std::uint64_t limit) {
    std::uint64_t whole = 0;
    const auto dot = number.find('.');
    const std::string_view integer = number.substr(0, dot);
    const auto [end, error] =
        std::from_chars(integer.data(), integer.data() + integer.size(), whole);
    if (error == std::errc::result_out_of_range)
        return fail(Errc::invalid_argument, "too large", ERANGE);
    if (error != std::errc{} || end != integer.data() + integer.size()) {
        return fail(Errc::invalid_argument, "not a number", EINVAL);
    }
    std::uint64_t value = 0;
    if (__builtin_mul_overflow(whole, factor, &value) || value > limit) {
        return fail(Errc::invalid_argument, "too large", ERANGE);
    }
    if (dot == std::string_view::npos) return value;

    const std::string_view digits = number.substr(dot + 1);
    if (digits.empty() || digits.size() > 9 || digits.find('.') != std::string_view::npos) {
        return fail(Errc::invalid_argument, "not a number", EINVAL);
    }
    std::uint64_t fraction = 0;
    std::uint64_t scale = 1;
    for (const char digit : digits) {
        fraction = fraction * 10 + static_cast<std::uint64_t>(digit - '0');
        scale *= 10;
    }
    // factor <= 2^60 and fraction < 10^9 < 2^30: the product needs more than 64 bits.
    const auto product = static_cast<unsigned __int128>(fraction) * factor;
    if (product % scale != 0) return fail(Errc::invalid_argument, "not a whole number", EINVAL);
    value += static_cast<std::uint64_t>(product / scale);
    if (value > limit) return fail(Errc::invalid_argument, "too large", ERANGE);
    return value;
}

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::array<Unit, 17> kSizeUnits{{{"", 1},
                                           {"b", 1},
                                           {"k", kKiB},
                                           {"kb", kKiB},
                                           {"kib", kKiB},
                                           {"m", kMiB},
                                           {"mb", kMiB},
                                           {"mib", kMiB},
                                           {"g", kGiB},
                                           {"gb", kGiB},
                                           {"gib", kGiB},
                                           {"t", 1024 * kGiB},
                                           {"tb", 1024 * kGiB},
                                           {"tib", 1024 * kGiB},
                                           {"p", 1024 * 1024 * kGiB},
                                           {"pb", 1024 * 1024 * kGiB},
                                           {"pib", 1024 * 1024 * kGiB}}};

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::array<Unit, 8> kTimeUnits{{{"", kSecond},
                                          {"ns", 1},
                                          {"us", 1'000},
                                          {"ms", 1'000'000},
                                          {"s", kSecond},
                                          {"m", 60 * kSecond},
                                          {"h", 3600 * kSecond},
                                          {"d", 86400 * kSecond}}};

template <std::size_t N>
const Unit* find_unit(const std::array<Unit, N>& units, std::string_view name) {
    const std::string key = lower(name);
    for (const Unit& unit : units) {
        if (unit.name == key) return &unit;
    }
    return nullptr;
}

template <std::size_t N>
Result<std::uint64_t> parse_with_units(std::string_view text, const std::array<Unit, N>& units,
                                       std::uint64_t limit, std::string_view expected) {
    const auto [number, unit_name] = split(text);
    const Unit* unit = find_unit(units, unit_name);
    auto value = unit == nullptr || number.empty()
                     ? Result<std::uint64_t>(fail(Errc::invalid_argument, "not understood", EINVAL))
                     : scaled(number, unit->factor, limit);
    if (!value) {
        return fail(Errc::invalid_argument,
                    fmt::format("'{}' is {}; expected {}", text, value.error().context, expected),
                    value.error().sys_errno);
    }
    return value;
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
    return parse_with_units(text, kSizeUnits, std::numeric_limits<std::int64_t>::max(),
                            "a size such as 256MiB, 1G, 4096KiB or bytes");
}

Result<Duration> parse_duration(std::string_view text) {
    constexpr std::uint64_t kHundredYears = 36525ULL * 86400 * kSecond;
    const auto value = parse_with_units(text, kTimeUnits, kHundredYears,
                                        "a time such as 200ms, 1.5s, 10m, 2h or seconds");
    if (!value) return Failure(value.error());
    return Duration(static_cast<std::int64_t>(*value));
}

std::string format_size(std::uint64_t bytes) {
    constexpr std::array<std::string_view, 6> kNames{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    std::size_t unit = 0;
    std::uint64_t scale = 1;
    while (unit + 1 < kNames.size() && bytes / scale >= 1024) {
        scale *= 1024;
        ++unit;
    }
    if (bytes % scale == 0) return fmt::format("{} {}", bytes / scale, kNames[unit]);
    return fmt::format("{:.2f} {}", static_cast<double>(bytes) / static_cast<double>(scale),
                       kNames[unit]);
}

std::string format_signed_size(std::int64_t bytes) {
    const auto magnitude =
        bytes < 0 ? 0 - static_cast<std::uint64_t>(bytes) : static_cast<std::uint64_t>(bytes);
    return fmt::format("{}{}", bytes < 0 ? '-' : '+', format_size(magnitude));
}

std::string format_duration(Duration duration) {
    using std::chrono::milliseconds;
    auto rest = std::chrono::duration_cast<milliseconds>(duration).count();
    if (rest == 0 && duration.count() >= 1000) return fmt::format("{}us", duration.count() / 1000);
    if (rest < 1000) return fmt::format("{}ms", rest);
    std::string text;
    const auto take = [&](std::int64_t unit_ms, char name) {
        if (rest >= unit_ms) {
            text += fmt::format("{}{}", rest / unit_ms, name);
            rest %= unit_ms;
        }
    };
    take(86'400'000, 'd');
    take(3'600'000, 'h');
    take(60'000, 'm');
    if (rest % 1000 == 0 && rest > 0) {
        text += fmt::format("{}s", rest / 1000);
    } else if (rest > 0) {
        text += fmt::format("{:g}s", static_cast<double>(rest) / 1000.0);
    }
    return text;
}

}  // namespace ballast
