#include "report/digits.h"

#include <algorithm>
#include <cmath>

namespace ballast::report {
namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::int64_t kFull = 4094;
constexpr std::int64_t kUnknown = 4095;

void append(std::string& text, std::int64_t value) {
    text += kDigits[static_cast<std::size_t>(value / 64)];
    text += kDigits[static_cast<std::size_t>(value % 64)];
}

std::int64_t scaled(std::int64_t value, std::int64_t full, bool up) {
    if (value == kAbsent) return kUnknown;
    const double share = static_cast<double>(value) * kFull / static_cast<double>(full);
    return std::clamp<std::int64_t>(
        static_cast<std::int64_t>(up ? std::ceil(share) : std::floor(share)), 0, kFull);
}

}  // namespace

std::string digits_of(const Envelope& envelope, std::int64_t full) {
    std::string text;
    const std::int64_t whole = std::max<std::int64_t>(1, full);
    for (std::size_t i = 0; i < envelope.least.size(); ++i) {
        append(text, scaled(envelope.least[i], whole, false));
        append(text, scaled(envelope.most[i], whole, true));
    }
    constexpr std::size_t kPerStretch = 4;
    for (std::size_t i = kPerStretch; i < text.size(); ++i)
        if (text[i] != text[i - kPerStretch]) return text;
    return text.substr(0, kPerStretch);
}

std::string stall_digits(const std::vector<double>& shares) {
    if (std::none_of(shares.begin(), shares.end(), [](double share) { return share > 0; }))
        return {};
    std::string text;
    for (const double share : shares) {
        const double steps = 1 + std::round(62 * (std::log10(std::max(share, 1e-5)) + 5) / 5);
        text += kDigits[share > 0 ? static_cast<std::size_t>(std::clamp(steps, 1.0, 63.0)) : 0];
    }
    return text;
}

std::string safe_in_script(const std::string& json) {
    std::string safe;
    safe.reserve(json.size());
    for (const char c : json) {
        if (c == '<')
            safe += "\\u003c";
        else if (c == '>')
            safe += "\\u003e";
        else if (c == '&')
            safe += "\\u0026";
        else
            safe += c;
    }
    return safe;
}

}  // namespace ballast::report
