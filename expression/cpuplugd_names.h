// The names that cpuplugd knows by itself.
#pragma once

#include <array>
#include <string_view>

#include "expression/cpuplugd_term.h"

namespace ballast::cpuplugd {

// By Symbol. "guest_nice" stands before "guest", which would match it too.
inline constexpr std::array<std::string_view, kSymbols> kSymbolNames{
    "loadavg", "runnable_proc", "onumcpus", "user",       "nice",  "system",   "idle", "iowait",
    "irq",     "softirq",       "steal",    "guest_nice", "guest", "swaprate", "apcr", "freemem"};

inline constexpr std::string_view kMeminfo = "meminfo.";
inline constexpr std::string_view kVmstat = "vmstat.";
inline constexpr std::string_view kCpustat = "cpustat.";
inline constexpr std::string_view kTime = "time";

}  // namespace ballast::cpuplugd
