#include "sim/curve.h"

#include <algorithm>

namespace ballast {
namespace {

// Jitter holds for this long, so that its value does not depend on how often a curve is read.
constexpr Duration kJitterStep = std::chrono::seconds(10);

double interpolate(const Curve& curve, Duration at) noexcept {
    const auto& points = curve.points;
    const auto after =
        std::upper_bound(points.begin(), points.end(), at,
                         [](Duration time, const Curve::Point& point) { return time < point.at; });
    if (after == points.begin()) return static_cast<double>(points.front().bytes);
    if (after == points.end()) return static_cast<double>(points.back().bytes);
    const Curve::Point& left = *(after - 1);
    const double share = static_cast<double>((at - left.at).count()) /
                         static_cast<double>((after->at - left.at).count());
    const auto from = static_cast<double>(left.bytes);
    return from + share * (static_cast<double>(after->bytes) - from);
}

std::uint64_t to_bytes(double value) noexcept {
    constexpr double kMost = 9007199254740992.0;  // 2^53: beyond it, a double skips bytes
    return static_cast<std::uint64_t>(std::clamp(value, 0.0, kMost));
}

}  // namespace

std::uint64_t mix(std::uint64_t value) noexcept {
    value += 0x9e3779b97f4a7c15ULL;
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31U);
}

std::uint64_t curve_value(const Curve& curve, Duration at, std::uint64_t seed) noexcept {
    if (curve.points.empty()) return 0;
    const Duration time = curve.period && curve.period->count() > 0 ? at % *curve.period : at;
    const double value = interpolate(curve, time);
    if (curve.jitter_percent == 0) return to_bytes(value);
    const auto step = static_cast<std::uint64_t>(at / kJitterStep);
    // -1 .. 1 from 53 random bits.
    const double noise =
        static_cast<double>(mix(seed ^ mix(step)) >> 11U) / 4503599627370496.0 - 1.0;
    const double factor = 1.0 + noise * static_cast<double>(curve.jitter_percent) / 100.0;
    return to_bytes(value * factor);
}

}  // namespace ballast
