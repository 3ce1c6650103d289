#include "hv_backends/libvirt/host_memory.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>

#include "base/units.h"

namespace ballast {
namespace {

std::uint64_t bytes_of(std::uint64_t kib) noexcept {
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
    return kib ? bytes_of(*kib) : kUnknownBytes;
}

// What a file of /proc holds, up to the size of the buffer; empty if it cannot be read.
std::string_view read_file(const char* path, std::array<char, 4096>& buffer) noexcept {
    struct Closer {
        void operator()(std::FILE* file) const noexcept { std::fclose(file); }
    };
    const std::unique_ptr<std::FILE, Closer> file(std::fopen(path, "re"));
    if (file == nullptr) return {};
    return {buffer.data(), std::fread(buffer.data(), 1, buffer.size(), file.get())};
}

HostState read_local() noexcept {
    std::array<char, 4096> buffer;
    HostState host = parse_meminfo(read_file("/proc/meminfo", buffer));
    host.memory_stall_us = parse_pressure(read_file("/proc/pressure/memory", buffer));
    return host;
}

HostState read_remote(virConnectPtr connection) noexcept {
    std::array<virNodeMemoryStats, 16> stats;
    int count = 0;
    HostState host;
    if (virNodeGetMemoryStats(connection, VIR_NODE_MEMORY_STATS_ALL_CELLS, nullptr, &count, 0) != 0)
        return host;
    if (count < 0 || static_cast<std::size_t>(count) > stats.size()) return host;
    if (virNodeGetMemoryStats(connection, VIR_NODE_MEMORY_STATS_ALL_CELLS, stats.data(), &count,
                              0) != 0)
        return host;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        const std::string_view field(stats[i].field);
        if (field == VIR_NODE_MEMORY_STATS_TOTAL) host.total_bytes = bytes_of(stats[i].value);
        if (field == VIR_NODE_MEMORY_STATS_FREE) host.available_bytes = bytes_of(stats[i].value);
    }
    return host;
}

}  // namespace

HostState parse_meminfo(std::string_view text) noexcept {
    HostState host;
    host.total_bytes = field_bytes(text, "MemTotal:");
    host.available_bytes = field_bytes(text, "MemAvailable:");
    host.swap_total_bytes = field_bytes(text, "SwapTotal:");
    host.swap_free_bytes = field_bytes(text, "SwapFree:");
    return host;
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

HostState read_host_memory(virConnectPtr connection, bool local) noexcept {
    return local ? read_local() : read_remote(connection);
}

}  // namespace ballast
