// A trace of the kernel's cmm driver, as recorded inside a guest: what was done to it, what it
// decided, and what could be seen.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace ballast::conform {

// The driver's debug line of one poll, from before the move that follows; in pages.
struct TracedPoll {
    std::int64_t delta_pages = 0;
    std::uint64_t loaned_pages = 0;
    std::uint64_t target_pages = 0;
    std::uint64_t oom_pages = 0;
    std::uint64_t managed_pages = 0;  // totalram
};

// The driver's attributes, read one after the other. All absent while it is not loaded.
struct TracedSample {
    bool loaded = false;
    std::uint64_t loaned_kib = 0;
    std::uint64_t loaned_kib_after = 0;  // read again at the end; if it differs, the rest is torn
    std::uint64_t loan_target_kib = 0;
    std::uint64_t oom_freed_kib = 0;
    std::uint64_t managed_kib = 0;  // MemTotal
};

// What was done: "insmod", "rmmod", "set", "get", "mem", "bgmem", "reboot" and others.
struct TracedAction {
    std::string op;
    std::string path;  // what it was done to; for insmod, the parameters
    std::string value;
    Duration until{};   // when it returned
    int sys_errno = 0;  // 0: it was done
};

// A line of the kernel's log.
struct TracedMessage {
    std::string text;
};

struct TraceEntry {
    std::size_t line = 0;  // in the file, from 1
    Duration at{};         // since the guest's boot
    std::variant<TracedPoll, TracedSample, TracedAction, TracedMessage> what;
};

struct Trace {
    std::string name;  // of the file, for messages
    std::uint32_t page_bytes = 0;
    std::uint64_t memory_bytes = 0;   // MemTotal when the guest had booted
    std::uint64_t block_bytes = 0;    // unit of offlining
    std::vector<TraceEntry> entries;  // by time; what comes first in the file, first
};

// Reads JSON lines as docs/cmm.md describes them. Kinds of lines that are not known are skipped, as
// are fields. Errors: bad_data, with file and line, for anything that is not what it should be.
Result<Trace> read_trace(std::string_view text, const std::string& name);

}  // namespace ballast::conform
