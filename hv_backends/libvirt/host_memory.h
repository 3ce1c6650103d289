// The memory of the host that a connection leads to.
#pragma once

#include <libvirt/libvirt.h>

#include <string_view>

#include "model/host.h"

namespace ballast {

// MemTotal and MemAvailable of a /proc/meminfo; unknown where absent.
HostState parse_meminfo(std::string_view text) noexcept;
// Microseconds since the start that some task stood still for want of memory, from
// /proc/pressure/memory; kUnknownBytes where that is not told.
std::uint64_t parse_pressure(std::string_view text) noexcept;

// Whether the URI leads to the machine we run on, with real guests ("qemu:///system", also with a
// socket of its own); false for libvirt's test driver.
bool is_local(std::string_view uri) noexcept;

// The local host's /proc/meminfo, else what libvirt tells of the remote one: there only free
// memory counts as available, since libvirt does not tell what the page cache would yield. Never
// fails: what cannot be told is unknown. Blocks for one call.
HostState read_host_memory(virConnectPtr connection, bool local) noexcept;

}  // namespace ballast
