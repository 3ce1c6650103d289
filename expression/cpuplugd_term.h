// The expressions of cpuplugd's rules, as s390-tools' daemon reads them (cpuplugd/terms.c).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ballast::cpuplugd {

enum class Op : std::uint8_t {
    constant,
    symbol,
    meminfo,
    vmstat,
    cpustat,
    time,  // the last four: of a sample, `back` samples ago
    negate,
    invert,
    greater,
    less,
    plus,
    minus,
    times,
    divide,
    both,
    either,
};

// Figures without a history. Which one a name means, is found by prefix and in this order.
enum class Symbol : std::uint8_t {
    loadavg,
    runnable_proc,
    onumcpus,
    user,
    nice,
    system,
    idle,
    iowait,
    irq,
    softirq,
    steal,
    guest_nice,
    guest,
    swaprate,  // pages of 4 KiB swapped in and out per second
    apcr,      // blocks of 512 bytes paged in and out per second
    freemem,   // MiB
};
inline constexpr std::size_t kSymbols = 16;

struct Term {
    struct Node {
        Op op = Op::constant;
        Symbol symbol{};
        std::uint32_t back = 0;
        std::uint32_t left = 0;   // nodes that come before this one
        std::uint32_t right = 0;  // negate and invert have a left one alone
        double value = 0;
        std::string name{};  // of a figure in meminfo, vmstat or cpustat
    };
    std::vector<Node> nodes;  // the last one is the whole; never empty
};

// The samples that must have been seen before `term` can be evaluated: the highest index in it.
std::uint32_t history_of(const Term& term) noexcept;

// As cpuplugd prints it: "(2.000000) + (meminfo.MemFree[1])".
std::string to_string(const Term& term);

}  // namespace ballast::cpuplugd
