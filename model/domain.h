// One virtual machine as a backend sees it, kept in columns so that a tick streams through memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace ballast {

// A domain's identity for as long as it is defined: its UUID (libvirt), or one made from its name.
struct DomainKey {
    std::array<std::uint8_t, 16> uuid{};
    friend auto operator<=>(const DomainKey&, const DomainKey&) = default;
};

// A key for a domain that has a name but no UUID (simulated ones): the same name, the same key.
DomainKey key_from_name(std::string_view name) noexcept;
// "01234567-89ab-cdef-0123-456789abcdef".
std::string to_string(const DomainKey& key);

// States of a domain that the gate looks at. A backend sets them; a set of bits.
enum class DomainFlags : std::uint16_t {
    none = 0,
    paused = 1U << 0U,
    migrating = 1U << 1U,
    hotplug = 1U << 2U,         // memory is being removed or added right now
    no_driver = 1U << 3U,       // no balloon device, or no driver answers it
    stale_stats = 1U << 4U,     // guest statistics are missing or too old to act on
    pinned_memory = 1U << 5U,   // lending frees nothing (VFIO, huge pages, locked memory)
    deflate_on_oom = 1U << 6U,  // the guest takes memory back by itself when it runs out
    starting = 1U << 7U,        // booting: its figures are not settled
    unanswered = 1U << 8U,      // the hypervisor did not answer for it this time
    carried_over = 1U << 9U,    // restored, reverted or migrated here: its balloon is as it was
    crashed = 1U << 10U,        // the guest's kernel is gone
    saving = 1U << 11U,         // its memory is being written out
    no_stats = 1U << 12U,       // guest statistics never came
    bad_stats = 1U << 13U,      // guest statistics contradict each other; figures are unknown
    late_stats = 1U << 14U,     // guest statistics may be of before its balloon last moved
};

constexpr DomainFlags operator|(DomainFlags a, DomainFlags b) noexcept {
    return static_cast<DomainFlags>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr DomainFlags operator&(DomainFlags a, DomainFlags b) noexcept {
    return static_cast<DomainFlags>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}
constexpr DomainFlags operator~(DomainFlags a) noexcept {
    return static_cast<DomainFlags>(~static_cast<unsigned>(a) & 0xffffU);
}
constexpr bool has(DomainFlags flags, DomainFlags bit) noexcept {
    return (flags & bit) != DomainFlags::none;
}

// A figure that the guest or the hypervisor did not tell; for counts as well.
inline constexpr std::uint64_t kUnknownBytes = std::numeric_limits<std::uint64_t>::max();

// Every domain of one observation. All columns have one entry per row; rows keep their order until
// `membership` changes. Guest figures are hints: a guest may lie.
struct DomainTable {
    // Raised by the backend whenever a row was added, removed, renamed or moved.
    std::uint64_t membership = 0;

    std::vector<DomainKey> key;
    std::vector<std::string> name;
    std::vector<std::string> host;  // where it is; empty where the backend has one host alone

    std::vector<std::uint8_t> page_shift;  // log2 of the guest's page size in bytes
    std::vector<DomainFlags> flags;
    std::vector<std::uint64_t> total_bytes;        // managed + loaned
    std::vector<std::uint64_t> loaned_bytes;       // what the guest has really given
    std::vector<std::int64_t> loan_request_bytes;  // the hypervisor's own request; 0 = none

    // Guest figures; kUnknownBytes where not told.
    std::vector<std::uint64_t> unused_bytes;       // MemFree
    std::vector<std::uint64_t> usable_bytes;       // MemAvailable
    std::vector<std::uint64_t> cache_bytes;        // page cache that can be dropped
    std::vector<std::uint64_t> major_faults;       // since the guest started
    std::vector<std::uint64_t> swapped_in_bytes;   // since the guest started
    std::vector<std::uint64_t> swapped_out_bytes;  // since the guest started

    // What the host really holds for the domain; kUnknownBytes where not told.
    std::vector<std::uint64_t> resident_bytes;

    // How old the guest's figures are, in milliseconds; kUnknownBytes where not known.
    std::vector<std::uint64_t> stats_age_ms;
    // The most that the domain may keep before the memory cgroup around it (or its configured hard
    // limit) is full; kUnknownBytes = no limit, or not known.
    std::vector<std::uint64_t> limit_bytes;

    // The host's NUMA nodes that its memory has to come from, a bit each (1 << number); 0 = any, or
    // not told.
    std::vector<std::uint64_t> node_mask;

    std::size_t size() const noexcept { return key.size(); }
    // Makes every column `rows` long; new rows are zero, their guest figures unknown.
    void resize(std::size_t rows);
    // Removes row `row` by moving the last row into its place. The caller raises `membership`.
    void remove_row(std::size_t row);
    // Row `row` gets every figure of another table's row `from_row`; its key and name stay.
    void copy_figures(std::size_t row, const DomainTable& from, std::size_t from_row);
};

// The most that a Linux guest of this size keeps free for itself and gives no program: the high
// watermarks and the reserves of its zones, with transparent huge pages. In bytes.
std::uint64_t kept_free_by_linux(std::uint64_t total_bytes) noexcept;

// Where a guest reports unused memory and no MemAvailable (drivers before Linux 4.6), its usable
// memory becomes what is unused beyond what Linux keeps free. Page cache is not counted: what a
// guest reports as such includes files in memory (tmpfs, shared memory, an initramfs), which no
// kernel can drop.
void estimate_usable(DomainTable& domains) noexcept;

}  // namespace ballast

template <>
struct std::hash<ballast::DomainKey> {
    std::size_t operator()(const ballast::DomainKey& key) const noexcept;
};
