#include "hv_backends/libvirt/memory_cgroups.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>

namespace ballast {
namespace {

constexpr std::size_t kMostCommandLine = 128 * 1024;
constexpr std::size_t kMostText = 256 * 1024;
// The kernel writes "unlimited" of v1 as a number near 2^63.
constexpr std::uint64_t kUnlimited = std::uint64_t{1} << 60U;

// Calls `line` with each line of a text.
template <class Function>
void for_each_line(std::string_view text, Function line) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        line(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

std::vector<std::string_view> words_of(std::string_view line, char between) {
    std::vector<std::string_view> words;
    while (true) {
        const std::size_t end = line.find(between);
        words.push_back(line.substr(0, end));
        if (end == std::string_view::npos) return words;
        line.remove_prefix(end + 1);
    }
}

bool lists(std::string_view list, std::string_view word) {
    const auto words = words_of(list, ',');
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::optional<std::uint64_t> number(std::string_view text) noexcept {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc()) return std::nullopt;
    return value;
}

// The value of a line "NAME VALUE".
std::uint64_t value_of(std::string_view text, std::string_view name) {
    std::uint64_t value = 0;
    for_each_line(text, [&](std::string_view line) {
        if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ' ')
            value = number(line.substr(name.size() + 1)).value_or(0);
    });
    return value;
}

// /proc/PID/mountinfo writes blanks in paths as \040.
std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned code = 0;
        const bool escape =
            text[i] == '\\' && i + 3 < text.size() &&
            std::from_chars(text.data() + i + 1, text.data() + i + 4, code, 8).ec == std::errc();
        out += escape ? static_cast<char>(code) : text[i];
        if (escape) i += 3;
    }
    return out;
}

}  // namespace

std::optional<DomainKey> parse_uuid(std::string_view text) noexcept {
    if (text.size() != 36) return std::nullopt;
    DomainKey key;
    std::size_t at = 0;
    for (std::size_t i = 0; i < key.uuid.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            if (text[at++] != '-') return std::nullopt;
        const auto [end, error] =
            std::from_chars(text.data() + at, text.data() + at + 2, key.uuid[i], 16);
        if (error != std::errc() || end != text.data() + at + 2) return std::nullopt;
        at += 2;
    }
    return key;
}

std::string MemoryCgroups::read(const std::string& path, std::size_t most_bytes) const {
    std::string text;
    const int file = ::open((root_ + path).c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return text;
    constexpr std::size_t kPiece = 4096;
    ssize_t got = 1;
    while (got > 0 && text.size() < most_bytes) {
        const std::size_t before = text.size();
        text.resize(before + kPiece);
        got = ::read(file, text.data() + before, kPiece);
        text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    }
    ::close(file);
    return text;
}

std::optional<DomainKey> MemoryCgroups::uuid_of(int pid) const {
    const std::string text = read(fmt::format("/proc/{}/cmdline", pid), kMostCommandLine);
    const auto words = words_of(text, '\0');
    if (words.front().find("qemu") == std::string_view::npos &&
        words.front().find("kvm") == std::string_view::npos)
        return std::nullopt;
    const auto option = std::find(words.begin(), words.end(), "-uuid");
    if (option == words.end() || option + 1 == words.end()) return std::nullopt;
    return parse_uuid(*(option + 1));
}

bool MemoryCgroups::is_qemu_of(int pid, const DomainKey& domain) const {
    return uuid_of(pid) == domain;
}

std::unordered_map<DomainKey, int> MemoryCgroups::find_qemus() const {
    std::unordered_map<DomainKey, int> found;
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir((root_ + "/proc").c_str()),
                                                     ::closedir);
    if (folder == nullptr) return found;
    while (const dirent* const entry = ::readdir(folder.get())) {
        const auto pid = number(entry->d_name);
        if (!pid || *pid > 0x7fffffff) continue;
        if (const auto uuid = uuid_of(static_cast<int>(*pid)))
            found[*uuid] = std::max(found[*uuid], static_cast<int>(*pid));
    }
    return found;
}

// 36 35 98:0 /root /mount/point options [optional fields] - type source super-options
void MemoryCgroups::read_mounts() {
    mounts_read_ = true;
    const std::string text = read("/proc/self/mountinfo", kMostText);
    for_each_line(text, [&](std::string_view line) {
        const std::size_t split = line.find(" - ");
        if (split == std::string_view::npos) return;
        const auto before = words_of(line.substr(0, split), ' ');
        const auto after = words_of(line.substr(split + 3), ' ');
        if (before.size() < 5 || after.size() < 3) return;
        const bool v2 = after[0] == "cgroup2";
        const bool v1 = after[0] == "cgroup" && lists(after[2], "memory");
        if (v1 || v2) mounts_.push_back({v2, unescaped(before[3]), unescaped(before[4])});
    });
}

std::optional<MemoryCgroup> MemoryCgroups::limited(const std::string& folder, bool v2) const {
    const auto limit =
        number(read(folder + (v2 ? "/memory.max" : "/memory.limit_in_bytes"), kMostText));
    if (!limit || *limit >= kUnlimited) return std::nullopt;
    const std::uint64_t used =
        number(read(folder + (v2 ? "/memory.current" : "/memory.usage_in_bytes"), kMostText))
            .value_or(0);
    const std::uint64_t cache = value_of(read(folder + "/memory.stat", kMostText),
                                         v2 ? "inactive_file" : "total_inactive_file");
    return MemoryCgroup{folder, *limit, used - std::min(used, cache)};
}

// Lines of /proc/PID/cgroup: "4:cpu,memory:/path" of v1, "0::/path" of v2; relative to our own
// cgroup namespace, as mounts are.
std::vector<MemoryCgroup> MemoryCgroups::around(int pid) {
    if (!mounts_read_) read_mounts();
    std::vector<MemoryCgroup> found;
    const std::string text = read(fmt::format("/proc/{}/cgroup", pid), kMostText);
    for_each_line(text, [&](std::string_view line) {
        const auto first = line.find(':');
        const auto second = line.find(':', first == std::string_view::npos ? first : first + 1);
        if (second == std::string_view::npos) return;
        const std::string_view controllers = line.substr(first + 1, second - first - 1);
        const std::string path(line.substr(second + 1));
        const bool v2 = controllers.empty();
        if ((!v2 && !lists(controllers, "memory")) || path.starts_with("/..")) return;
        for (const Mount& mount : mounts_) {
            const std::string below = mount.root == "/" ? "" : mount.root;
            if (mount.v2 != v2 || !path.starts_with(below)) continue;
            std::string inside = path.substr(below.size());
            while (true) {
                while (inside.ends_with('/')) inside.pop_back();
                if (auto one = limited(mount.point + inside, v2)) found.push_back(std::move(*one));
                if (inside.empty()) return;
                inside.resize(inside.rfind('/') == std::string::npos ? 0 : inside.rfind('/'));
            }
        }
    });
    return found;
}

}  // namespace ballast
