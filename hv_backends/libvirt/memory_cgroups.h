// The memory cgroups (v1 and v2) around the QEMU processes of this machine, read from /proc and
// /sys.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/domain.h"

namespace ballast {

// A memory cgroup that has a limit.
struct MemoryCgroup {
    std::string path;  // its folder
    std::uint64_t limit_bytes = 0;
    std::uint64_t used_bytes = 0;  // without file cache that the kernel can drop at once
};

// Loop's thread only. What cannot be read counts as not there; nothing fails.
class MemoryCgroups {
  public:
    // `root` is put in front of each path: for tests.
    explicit MemoryCgroups(std::string root = {}) : root_(std::move(root)) {}

    // The process IDs of QEMUs by the UUID on their command lines. Reads the command line of each
    // process.
    std::unordered_map<DomainKey, int> find_qemus() const;
    // Whether the process is the QEMU of that domain.
    bool is_qemu_of(int pid, const DomainKey& domain) const;

    // Of the cgroups that the process is in, innermost first, those with a limit.
    std::vector<MemoryCgroup> around(int pid);

  private:
    struct Mount {
        bool v2 = false;
        std::string root;   // the cgroup that is mounted there
        std::string point;  //
    };
    void read_mounts();
    std::optional<DomainKey> uuid_of(int pid) const;
    std::string read(const std::string& path, std::size_t most_bytes) const;
    std::optional<MemoryCgroup> limited(const std::string& folder, bool v2) const;

    std::string root_;
    std::vector<Mount> mounts_;
    bool mounts_read_ = false;
};

// Of "01234567-89ab-cdef-0123-456789abcdef"; nullopt where it is no UUID.
std::optional<DomainKey> parse_uuid(std::string_view text) noexcept;

}  // namespace ballast
