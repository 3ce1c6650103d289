// What a dry run logs in place of moves.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "model/snapshot.h"

namespace ballast {

// Loop's thread only.
class DryRunLog {
  public:
    // Logs a line for each domain whose loan would have moved by `kWorthALine` of its memory or
    // more since its last line, or would be back where it is. Linear in domains.
    void tick(const Snapshot& snapshot);

    static constexpr std::uint64_t kWorthALine = 16;  // a sixteenth

  private:
    // Of domains that would lend something else than they do: the loan of the last line.
    std::unordered_map<DomainKey, std::uint64_t> logged_;
};

}  // namespace ballast
