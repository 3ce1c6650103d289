// What the probe found in the daemon, and what follows from it. Abstract so that the API can be
// tested without measuring.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "probe/choice.h"
#include "probe/rows.h"

namespace ballast {

struct ProbeReport {
    bool enabled = false;
    std::string problem;        // why it does not measure though it should; empty: it does
    std::uint64_t surveys = 0;  // finished since the start
    WallTime finished{};        // the last of them
    std::uint64_t kept = 0;     // experiments since the start
    std::uint64_t thrown_away = 0;
    Duration cpu_time{};           // all it has cost since the start
    std::vector<probe::Row> rows;  // of the last survey
    std::vector<probe::Choice> choices;
};

class ProbeStatus {
  public:
    virtual ~ProbeStatus() = default;
    // Any thread; a short lock.
    virtual ProbeReport report() const = 0;
};

}  // namespace ballast
