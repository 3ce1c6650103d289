#include "hv_backends/libvirt/host_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

#include "base/units.h"

namespace ballast {
namespace {

std::uint64_t bytes_of_kib(std::uint64_t kib) noexcept {
    return kib > std::numeric_limits<std::uint64_t>::max() / kKiB ? kUnknownBytes : kib * kKiB;
}

// The number behind `name` and any blanks.
std::optional<std::uint64_t> number_after(std::string_view text, std::string_view name) noexcept {
    const std::size_t at = text.find(name);
    if (at == std::string_view::npos) return std::nullopt;
    const std::size_t digit = text.find_first_not_of(' ', at + name.size());
    if (digit == std::string_view::npos) return std::nullopt;
    std::uint64_t value = 0;
    const auto [end, error] =
        std::from_chars(text.data() + digit, text.data() + text.size(), value);
    if (error != std::errc()) return std::nullopt;
    return value;
}

// The figure of a line "NAME:   123 kB".
std::uint64_t field_bytes(std::string_view text, std::string_view name) noexcept {
    const auto kib = number_after(text, name);
    return kib ? bytes_of_kib(*kib) : kUnknownBytes;
}

// What is left of a total that may be unknown.
std::uint64_t without(std::uint64_t total, std::uint64_t part) noexcept {
    return total == kUnknownBytes ? total : total - std::min(total, part);
}

// Reads the small files of a kernel; allocates nothing.
class KernelFiles {
  public:
    explicit KernelFiles(std::string_view root) : root_(root) {}

    // The start of the file, its name in parts, as far as there is room; empty if it cannot be
    // read. Valid until the next call.
    template <class... Part>
    std::string_view read(const Part&... part) {
        path_.clear();
        fmt::format_to(std::back_inserter(path_), "{}", root_);
        (fmt::format_to(std::back_inserter(path_), "{}", part), ...);
        path_.push_back('\0');
        const int file = ::open(path_.data(), O_RDONLY | O_CLOEXEC);
        if (file < 0) return {};
        std::size_t size = 0;
        ssize_t got = 0;
        while ((got = ::read(file, text_.data() + size, text_.size() - size)) > 0)
            size += static_cast<std::size_t>(got);
        ::close(file);
        return {text_.data(), size};
    }

  private:
    std::string_view root_;
    fmt::memory_buffer path_;
    std::array<char, 4096> text_;
};

// What libvirt tells of a cell, or of all.
struct CellMemory {
    std::uint64_t total_bytes = kUnknownBytes;
    std::uint64_t free_bytes = kUnknownBytes;
};

std::optional<CellMemory> read_cell(virConnectPtr connection, int cell) noexcept {
    std::array<virNodeMemoryStats, 16> stats;
    int count = 0;
    if (virNodeGetMemoryStats(connection, cell, nullptr, &count, 0) != 0) return std::nullopt;
    if (count < 0 || static_cast<std::size_t>(count) > stats.size()) return std::nullopt;
    if (virNodeGetMemoryStats(connection, cell, stats.data(), &count, 0) != 0) return std::nullopt;
    CellMemory memory;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        const std::string_view field(stats[i].field);
        if (field == VIR_NODE_MEMORY_STATS_TOTAL) memory.total_bytes = bytes_of_kib(stats[i].value);
        if (field == VIR_NODE_MEMORY_STATS_FREE) memory.free_bytes = bytes_of_kib(stats[i].value);
    }
    return memory;
}

std::uint64_t sum(std::initializer_list<std::uint64_t> sizes) noexcept {
    std::uint64_t total = 0;
    for (const std::uint64_t size : sizes) {
        if (size > kUnknownBytes - total) return kUnknownBytes;
        total += size;
    }
    return total;
}

// Each size that some architecture has, in KiB.
constexpr std::array<std::uint32_t, 11> kHugePageKib{
    64, 256, 512, 1024, 2048, 16384, 32768, 524288, 1048576, 2097152, 16777216};

// Huge pages of all sizes in the node's pools; 0 where the kernel tells of none.
std::uint64_t node_huge_pages(KernelFiles& files, std::uint32_t node) {
    std::uint64_t bytes = 0;
    for (const std::uint32_t kib : kHugePageKib) {
        const std::string_view text = files.read("/sys/devices/system/node/node", node,
                                                 "/hugepages/hugepages-", kib, "kB/nr_hugepages");
        const std::uint64_t count = number_after(text, "").value_or(0);
        bytes = sum({bytes, count > kUnknownBytes / kKiB / kib ? 0 : count * kib * kKiB});
    }
    return bytes;
}

// Its own line counts pages of the default size; a kernel without sysfs tells no more.
std::uint64_t node_huge_pages(KernelFiles& files, const HostNode& node, std::uint64_t pages,
                              std::uint64_t page_bytes) {
    const std::uint64_t of_default_size =
        page_bytes == 0 || pages > kUnknownBytes / page_bytes ? 0 : pages * page_bytes;
    return std::max(node_huge_pages(files, node.id), of_default_size);
}

void read_nodes(KernelFiles& files, std::uint64_t huge_page_bytes, std::vector<HostNode>& into) {
    into.clear();
    const std::uint64_t present =
        parse_node_list(files.read("/sys/devices/system/node/has_memory"));
    for (std::uint32_t id = 0; id < kMostNodes; ++id) {
        if ((present >> id & 1U) == 0) continue;
        HostNode& node = into.emplace_back();
        node.id = id;
        const std::string_view text = files.read("/sys/devices/system/node/node", id, "/meminfo");
        parse_node_meminfo(text, node);
        const std::uint64_t pages = number_after(text, "HugePages_Total:").value_or(0);
        node.total_bytes =
            without(node.total_bytes, node_huge_pages(files, node, pages, huge_page_bytes));
    }
}

}  // namespace

std::uint64_t parse_huge_pages(std::string_view text) noexcept {
    // Pools of all sizes; older kernels tell of the default size alone.
    const std::uint64_t all = field_bytes(text, "Hugetlb:");
    if (all != kUnknownBytes) return all;
    const std::uint64_t count = number_after(text, "HugePages_Total:").value_or(0);
    const std::uint64_t size = field_bytes(text, "Hugepagesize:");
    if (count == 0 || size == kUnknownBytes || size == 0) return 0;
    return count > kUnknownBytes / size ? 0 : count * size;
}

void parse_meminfo(std::string_view text, HostState& into) noexcept {
    into.total_bytes = without(field_bytes(text, "MemTotal:"), parse_huge_pages(text));
    into.available_bytes = field_bytes(text, "MemAvailable:");
    into.swap_total_bytes = field_bytes(text, "SwapTotal:");
    into.swap_free_bytes = field_bytes(text, "SwapFree:");
}

std::uint64_t parse_pressure(std::string_view text) noexcept {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (!line.starts_with("some ")) return kUnknownBytes;
    return number_after(line, "total=").value_or(kUnknownBytes);
}

bool is_local(std::string_view uri) noexcept {
    // SCHEME[+TRANSPORT]://[HOST]/...
    const std::size_t end = uri.find("://");
    if (end == std::string_view::npos) return false;
    const std::string_view scheme = uri.substr(0, end);
    const std::string_view rest = uri.substr(end + 3);
    const bool has_host = rest.empty() || rest.front() != '/';
    const bool test_driver = scheme == "test" || scheme.starts_with("test+");
    return !has_host && !test_driver;
}

std::string host_of(std::string_view uri) {
    // SCHEME://[USER@][HOST][:PORT]/..., HOST in brackets where it is an address of IPv6
    const std::size_t begin = uri.find("://");
    std::string_view host = begin == std::string_view::npos ? "" : uri.substr(begin + 3);
    host = host.substr(0, host.find('/'));
    if (const std::size_t user = host.rfind('@'); user != std::string_view::npos)
        host.remove_prefix(user + 1);
    if (host.starts_with('['))
        host = host.substr(1, host.find(']') - 1);
    else
        host = host.substr(0, host.find(':'));
    if (!host.empty()) return std::string(host);
    std::array<char, HOST_NAME_MAX + 1> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

void parse_node_meminfo(std::string_view text, HostNode& into) noexcept {
    into.total_bytes = field_bytes(text, "MemTotal:");
    into.free_bytes = field_bytes(text, "MemFree:");
    into.available_bytes =
        sum({into.free_bytes, field_bytes(text, "Active(file):"),
             field_bytes(text, "Inactive(file):"), field_bytes(text, "SReclaimable:")});
}

std::uint64_t parse_node_list(std::string_view text) noexcept {
    const char* at = text.data();
    const char* const end = at + text.size();
    std::uint64_t nodes = 0;
    while (at != end && *at != '\n') {
        std::uint32_t first = 0;
        auto parsed = std::from_chars(at, end, first);
        if (parsed.ec != std::errc()) return 0;
        std::uint32_t last = first;
        if (parsed.ptr != end && *parsed.ptr == '-') {
            parsed = std::from_chars(parsed.ptr + 1, end, last);
            if (parsed.ec != std::errc()) return 0;
        }
        for (std::uint32_t id = first; id <= last && id < kMostNodes; ++id)
            nodes |= std::uint64_t{1} << id;
        at = parsed.ptr;
        if (at != end && *at == ',')
            ++at;
        else if (at != end && *at != '\n')
            return 0;
    }
    return nodes;
}

void read_local_memory(std::string_view root, HostState& into) {
    KernelFiles files(root);
    const std::string_view meminfo = files.read("/proc/meminfo");
    parse_meminfo(meminfo, into);
    const std::uint64_t page_bytes = field_bytes(meminfo, "Hugepagesize:");
    into.memory_stall_us = parse_pressure(files.read("/proc/pressure/memory"));
    read_nodes(files, page_bytes == kUnknownBytes ? 0 : page_bytes, into.nodes);
}

void RemoteMemory::read(virConnectPtr connection, HostState& into) {
    into = HostState{.nodes = std::move(into.nodes)};
    into.nodes.clear();
    const auto host = read_cell(connection, VIR_NODE_MEMORY_STATS_ALL_CELLS);
    if (!host) return;
    into.total_bytes = host->total_bytes;
    into.available_bytes = host->free_bytes;
    if (nodes_ < 0) {
        virNodeInfo info{};
        if (virNodeGetInfo(connection, &info) != 0) return;
        nodes_ = static_cast<int>(std::min(info.nodes, kMostNodes));
    }
    for (int cell = 0; nodes_ > 1 && cell < nodes_; ++cell)
        if (const auto node = read_cell(connection, cell))
            into.nodes.push_back({static_cast<std::uint32_t>(cell), node->total_bytes,
                                  node->free_bytes, node->free_bytes});
}

}  // namespace ballast
