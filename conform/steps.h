// What a trace tells, sorted into what happens to the simulated guest by itself, and what its
// driver is asked, does and shows, in order.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "conform/trace.h"
#include "controller/attributes.h"
#include "model/scenario.h"

namespace ballast::conform {

struct Load {
    std::string parameters;
    int sys_errno = 0;  // the driver's answer
};
struct Unload {};
// The machine goes down; the driver gives back these pages, where the trace shows it.
struct Reboot {
    std::optional<std::uint64_t> freed_pages;
};
struct Write {
    Attribute attribute{};
    std::string value;
    int sys_errno = 0;
};
struct Read {
    Attribute attribute{};
    std::string value;
};
// The driver's thread woke up and decided.
struct Poll {
    TracedPoll traced;
    // How many of the pages that it went for it did not get or free; absent if it did not move, or
    // the trace does not show how it ended.
    std::optional<std::uint64_t> unfulfilled_pages;
    // What OOMs in the middle of the move took back besides.
    std::uint64_t freed_by_ooms_pages = 0;
};
// It woke up and stood aside because of memory hotplug; where a removal had ended, for so long, and
// for one more delay.
struct Aside {
    std::optional<Duration> suspended_for;
};
// It slept, where Ballast's loop keeps ticking: nothing may move.
struct Idle {};
struct Look {
    TracedSample traced;
    // It falls between a decision and its effect, or a memory block is on its way.
    bool unsettled = false;
    // It is stamped before it is read, and was read by then at the latest.
    Duration read_by{};
    // Something begins to change after the stamp and before it was read at the latest.
    bool changes = false;
};
// Nothing after this can be compared.
struct End {
    std::string why;
};

struct Step {
    Duration at{};
    std::size_t line = 0;
    std::variant<Load, Unload, Reboot, Write, Read, Poll, Aside, Idle, Look, End> what;
};

struct Steps {
    std::vector<Step> steps;  // by time
    // What the guest did by itself.
    std::vector<ScenarioEvent> events;
    std::vector<ScenarioFault> faults;
};

// Pure.
Steps steps_of(const Trace& trace);

}  // namespace ballast::conform
