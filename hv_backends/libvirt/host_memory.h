// The memory of the host that a connection leads to.
#pragma once

#include <libvirt/libvirt.h>

#include <cstdint>
#include <string_view>

#include "model/host.h"

namespace ballast {

// Bytes in the pools of huge pages, from a /proc/meminfo: nothing else can be made from them. 0
// where it tells of none.
std::uint64_t parse_huge_pages(std::string_view text) noexcept;
// Total (without the pools of huge pages), available and swap of a /proc/meminfo; unknown where
// absent.
void parse_meminfo(std::string_view text, HostState& into) noexcept;
// Microseconds since the start that some task stood still for want of memory, from
// /proc/pressure/memory; kUnknownBytes where that is not told.
std::uint64_t parse_pressure(std::string_view text) noexcept;

// Whether the URI leads to the machine we run on, with real guests ("qemu:///system", also with a
// socket of its own); false for libvirt's test driver.
bool is_local(std::string_view uri) noexcept;
// The host that the URI leads to, as it is written there; where none is, this machine's own name.
std::string host_of(std::string_view uri);

// Of a NUMA node's meminfo; the id is left alone. The total holds its huge pages. Available is what
// is free, holds files or can be reclaimed.
void parse_node_meminfo(std::string_view text, HostNode& into) noexcept;
// A kernel's list of numbers, "0-3,8", as a bit each; those from kMostNodes on are left out. 0
// where it is no such list.
std::uint64_t parse_node_list(std::string_view text) noexcept;

// The local host's memory, from /proc and /sys below `root`. Never fails: what cannot be told is
// unknown. Allocates nothing once the nodes are known.
void read_local_memory(std::string_view root, HostState& into);

// What libvirt tells of a remote host, where only free memory counts as available: libvirt does
// not tell what the page cache would yield. The number of nodes is asked for once.
class RemoteMemory {
  public:
    // Never fails: what cannot be told is unknown. Blocks for two calls, and one for each node
    // where there are several.
    void read(virConnectPtr connection, HostState& into);

  private:
    int nodes_ = -1;  // not known yet
};

}  // namespace ballast
