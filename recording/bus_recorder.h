// Writes what the event bus tells into a file, to be looked at and replayed later.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "bus/ballast_bus.h"

namespace ballast {

// An SQLite database; docs/recordings.md describes its tables. One thread. What was committed
// survives whatever ends the process.
class BusRecorder {
  public:
    struct Options {
        // Where the file would grow beyond, the oldest is deleted; at least least_bytes. The
        // journal beside it may have 64 MiB at most.
        std::uint64_t max_bytes = std::uint64_t{1} << 30U;
    };
    static constexpr std::uint64_t least_bytes = std::uint64_t{4} << 20U;

    // Makes the file. `source` tells where the records come from, for people. Errors: busy (it
    // exists), invalid_argument (max_bytes), io.
    static Result<std::unique_ptr<BusRecorder>> create(const std::string& path,
                                                       const std::string& source, Options options);
    BusRecorder(const BusRecorder&) = delete;
    BusRecorder& operator=(const BusRecorder&) = delete;
    // Commits what it can.
    ~BusRecorder();

    // Types that are not known here are left out. Blocks on the file. Errors: io.
    Result<void> add(const ballast_bus_record& record);
    // What was added since the last time outlives this process. Errors: io.
    Result<void> commit();
    // The same, and all of it is in the one file. Errors: io.
    Result<void> finish();

    // Since it was made.
    std::uint64_t records() const noexcept;
    std::uint64_t lost() const noexcept;
    // Of the file and its journal.
    std::uint64_t bytes() const;

  private:
    struct State;
    explicit BusRecorder(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace ballast
