// The event bus as server-sent events, for browsers and scripts: a reader of the bus like any
// other.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "bus/ballast_bus.hpp"
#include "bus/record_json.h"

namespace ballast {

// One client's stream. Not thread-safe.
class EventStream {
  public:
    // Where a record is on the bus, as the id of its event: "EPOCH-POSITION".
    struct Place {
        std::uint64_t epoch = 0;
        std::uint64_t position = 0;
    };

    struct Options {
        std::function<std::string()> path;  // of the bus, now; empty: there is none
        RecordFilter filter;
        bool from_oldest = false;
        std::optional<Place> after;                // goes on behind it
        int patience_ms = 250;                     // what more() blocks for at most
        Duration quiet = std::chrono::seconds(5);  // without an event; then a comment is sent
        const Clock* clock = nullptr;              // outlives it
    };

    // Errors: unavailable (the bus is off or cannot be opened).
    static Result<std::unique_ptr<EventStream>> open(Options options);

    // Appends what came, or nothing. False: it ends, `into` says why.
    bool more(std::string& into);

  private:
    EventStream(Options options, std::string path, Bus bus);
    void tell_record(std::string& into, ballast_bus_record& record);
    // Whether a record is known already to who goes on behind a place; tells of a gap.
    bool is_before_start(std::string& into, ballast_bus_record& record);
    bool follow_move(std::string& into);

    Options options_;
    std::string path_;
    Bus bus_;
    bool behind_start_;
    Time last_told_;
};

// nullopt: it is no such id.
std::optional<EventStream::Place> parse_event_id(std::string_view id);

}  // namespace ballast
