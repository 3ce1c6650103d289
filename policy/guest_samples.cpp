#include "policy/guest_samples.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/units.h"

namespace ballast {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr std::uint64_t kSwapPageBytes = 4096;

double told(std::uint64_t value, std::uint64_t unit = 1) {
    return value == kUnknownBytes ? kUnknown : static_cast<double>(value / unit);
}

}  // namespace

void GuestSamples::add(const DomainTable& domains, std::size_t row, double now_s) noexcept {
    const std::uint64_t cache_bytes = domains.cache_bytes[row];
    ring_[count_ % ring_.size()] = {now_s,
                                    told(domains.total_bytes[row], kKiB),
                                    told(domains.unused_bytes[row], kKiB),
                                    told(domains.usable_bytes[row], kKiB),
                                    told(cache_bytes, kKiB),
                                    cache_bytes == kUnknownBytes ? kUnknown : 0,
                                    told(domains.major_faults[row]),
                                    told(domains.swapped_in_bytes[row], kSwapPageBytes),
                                    told(domains.swapped_out_bytes[row], kSwapPageBytes)};
    ++count_;
}

std::optional<double> GuestSamples::figure(cpuplugd::Op source, std::string_view name,
                                           std::uint32_t back) const {
    if (back >= std::min<std::uint64_t>(count_, ring_.size())) return std::nullopt;
    const auto* const found = std::find_if(kGuestFigures.begin(), kGuestFigures.end(),
                                           [source, name](const GuestFigure& each) {
                                               return each.source == source && each.name == name;
                                           });
    if (found == kGuestFigures.end()) return std::nullopt;
    const double value = ring_[(count_ - 1 - back) % ring_.size()]
                              [static_cast<std::size_t>(found - kGuestFigures.begin())];
    return std::isnan(value) ? std::nullopt : std::optional<double>(value);
}

}  // namespace ballast
