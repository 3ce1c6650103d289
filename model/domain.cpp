#include "model/domain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/fnv1a.h"
#include "base/saturating.h"
#include "base/units.h"

namespace ballast {
namespace {

template <class Function>
void for_each_column(DomainTable& table, Function&& function) {
    function(table.key, DomainKey{});
    function(table.name, std::string{});
    function(table.host, std::string{});
    function(table.page_shift, std::uint8_t{12});
    function(table.flags, DomainFlags::none);
    function(table.total_bytes, std::uint64_t{0});
    function(table.loaned_bytes, std::uint64_t{0});
    function(table.loan_request_bytes, std::int64_t{0});
    function(table.unused_bytes, kUnknownBytes);
    function(table.usable_bytes, kUnknownBytes);
    function(table.cache_bytes, kUnknownBytes);
    function(table.major_faults, kUnknownBytes);
    function(table.swapped_in_bytes, kUnknownBytes);
    function(table.swapped_out_bytes, kUnknownBytes);
    function(table.resident_bytes, kUnknownBytes);
    function(table.stats_age_ms, kUnknownBytes);
    function(table.limit_bytes, kUnknownBytes);
    function(table.node_mask, std::uint64_t{0});
}

}  // namespace

DomainKey key_from_name(std::string_view name) noexcept {
    const std::uint64_t low = fnv1a(name);
    const std::uint64_t high = fnv1a(name, low ^ 0x9e3779b97f4a7c15ULL);
    DomainKey key;
    std::memcpy(key.uuid.data(), &low, sizeof low);
    std::memcpy(key.uuid.data() + sizeof low, &high, sizeof high);
    // RFC 9562: version 8 (our own contents), variant 10.
    key.uuid[6] = static_cast<std::uint8_t>((key.uuid[6] & 0x0fU) | 0x80U);
    key.uuid[8] = static_cast<std::uint8_t>((key.uuid[8] & 0x3fU) | 0x80U);
    return key;
}

std::string to_string(const DomainKey& key) {
    std::string text;
    text.reserve(36);
    for (std::size_t i = 0; i < key.uuid.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        fmt::format_to(std::back_inserter(text), "{:02x}", key.uuid[i]);
    }
    return text;
}

void DomainTable::resize(std::size_t rows) {
    for_each_column(*this, [rows](auto& column, const auto& empty) { column.resize(rows, empty); });
}

void DomainTable::remove_row(std::size_t row) {
    for_each_column(*this, [row](auto& column, const auto&) {
        if (row + 1 != column.size()) column[row] = std::move(column.back());
        column.pop_back();
    });
}

void DomainTable::copy_figures(std::size_t row, const DomainTable& from, std::size_t from_row) {
    page_shift[row] = from.page_shift[from_row];
    flags[row] = from.flags[from_row];
    total_bytes[row] = from.total_bytes[from_row];
    loaned_bytes[row] = from.loaned_bytes[from_row];
    loan_request_bytes[row] = from.loan_request_bytes[from_row];
    unused_bytes[row] = from.unused_bytes[from_row];
    usable_bytes[row] = from.usable_bytes[from_row];
    cache_bytes[row] = from.cache_bytes[from_row];
    major_faults[row] = from.major_faults[from_row];
    swapped_in_bytes[row] = from.swapped_in_bytes[from_row];
    swapped_out_bytes[row] = from.swapped_out_bytes[from_row];
    resident_bytes[row] = from.resident_bytes[from_row];
    stats_age_ms[row] = from.stats_age_ms[from_row];
    limit_bytes[row] = from.limit_bytes[from_row];
    node_mask[row] = from.node_mask[from_row];
}

std::uint64_t kept_free_by_linux(std::uint64_t total_bytes) noexcept {
    // min_free_kbytes with transparent huge pages: 22 MiB for each of up to three zones, and at
    // most 5 % of memory (set_recommended_min_free_kbytes, mm/khugepaged.c).
    const std::uint64_t least = std::min(total_bytes / 20, 66 * kMiB);
    // The high watermark is twice a quarter of that, or twice 0.1 % of memory, above it.
    const std::uint64_t high = least + std::max(least / 2, total_bytes / 500);
    // lowmem_reserve_ratio: 1/256 of the zones above, in zone DMA (16 MiB) and in zone DMA32.
    const std::uint64_t above = total_bytes / 256;
    return high + std::min(above, 16 * kMiB) + above;
}

void estimate_usable(DomainTable& domains) noexcept {
    for (std::size_t row = 0; row < domains.size(); ++row) {
        const std::uint64_t unused = domains.unused_bytes[row];
        if (domains.usable_bytes[row] != kUnknownBytes || unused == kUnknownBytes) continue;
        const std::uint64_t total = domains.total_bytes[row];
        domains.usable_bytes[row] = less(std::min(unused, total), kept_free_by_linux(total));
    }
}

}  // namespace ballast

std::size_t std::hash<ballast::DomainKey>::operator()(
    const ballast::DomainKey& key) const noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, key.uuid.data(), sizeof word);
    std::uint64_t other = 0;
    std::memcpy(&other, key.uuid.data() + sizeof word, sizeof other);
    return static_cast<std::size_t>(word ^ (other * 0x9e3779b97f4a7c15ULL));
}
