#include "controller/reservations.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/saturating.h"
#include "base/units.h"

namespace ballast {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 53U;

constexpr std::size_t kNoRow = static_cast<std::size_t>(-1);

std::size_t row_of(const DomainTable& domains, const std::string& name) {
    // A key is written out only where the name can be one.
    const bool may_be_uuid = name.size() == to_string(DomainKey{}).size();
    for (std::size_t row = 0; row < domains.size(); ++row)
        if (domains.name[row] == name || (may_be_uuid && to_string(domains.key[row]) == name) ||
            (!domains.host[row].empty() && domains.host[row] + "/" + domains.name[row] == name))
            return row;
    return kNoRow;
}

}  // namespace

Result<std::uint64_t> Reservations::add(std::uint64_t bytes, std::string domain, Duration expires,
                                        Time now) {
    if (bytes == 0 || bytes > kMostBytes)
        return fail(Errc::invalid_argument,
                    fmt::format("a reservation of {} bytes, expected 1 to {}", bytes, kMostBytes));
    if (expires < std::chrono::seconds(1) || expires > kLongest)
        return fail(Errc::invalid_argument,
                    fmt::format("a reservation that expires after {}, expected 1s to {}",
                                format_duration(expires), format_duration(kLongest)));
    if (!domain.empty() &&
        std::erase_if(all_, [&](const Reservation& one) { return one.domain == domain; }) > 0)
        ended_ = true;
    if (all_.size() >= kMost)
        return fail(Errc::busy, fmt::format("there are {} reservations already", kMost));
    Reservation& made = all_.emplace_back();
    made.id = ++last_id_;
    made.bytes = made.outstanding_bytes = bytes;
    made.domain = std::move(domain);
    made.expires_at = now + expires;
    look(host_);
    return all_.back().id;
}

bool Reservations::remove(std::uint64_t id) {
    const bool removed =
        std::erase_if(all_, [id](const Reservation& one) { return one.id == id; }) > 0;
    ended_ = ended_ || removed;
    return removed;
}

void Reservations::clear() noexcept {
    ended_ = ended_ || !all_.empty();
    all_.clear();
}

// Which of them the host has memory for.
void Reservations::look(const HostState& host) noexcept {
    std::uint64_t wanted = host_reserve_bytes_;
    for (Reservation& one : all_) {
        wanted += one.outstanding_bytes;
        one.ready = host.available_bytes != kUnknownBytes && host.available_bytes >= wanted;
    }
}

void Reservations::follow(const Observation& seen, std::uint64_t host_reserve_bytes, Time now) {
    const auto ends = [&](Reservation& one) {
        if (now >= one.expires_at) {
            log::info("reservation {} of {} has expired", one.id, format_size(one.bytes));
            return true;
        }
        if (one.domain.empty()) return false;
        const std::size_t row = row_of(seen.domains, one.domain);
        if (row == kNoRow) return one.domain_seen;
        one.domain_seen = true;
        const std::uint64_t resident = seen.domains.resident_bytes[row];
        if (resident != kUnknownBytes) one.outstanding_bytes = less(one.bytes, resident);
        return one.outstanding_bytes == 0;
    };
    ended_ = std::erase_if(all_, ends) > 0 || ended_;
    host_ = seen.host;
    host_reserve_bytes_ = host_reserve_bytes;
    look(host_);
}

std::uint64_t Reservations::outstanding_bytes() const noexcept {
    std::uint64_t sum = 0;
    for (const Reservation& one : all_) sum += one.outstanding_bytes;
    return sum;
}

}  // namespace ballast
