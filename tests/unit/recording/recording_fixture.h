// Recordings made as `ballastctl record` makes them.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

#include "recording/bus_recorder.h"
#include "tests/unit/http/temp_dir.h"

namespace ballast::test {

template <class Payload>
ballast_bus_record record_of(ballast_bus_type type, const Payload& payload, std::int64_t at_us) {
    ballast_bus_record record{};
    record.type = type;
    record.size = sizeof(payload);
    record.monotonic_ns = at_us * 1000;
    record.wall_ns = (at_us + 1'000'000) * 1000;
    std::memcpy(record.payload.bytes, &payload, sizeof(payload));
    return record;
}

struct RecordingFixture {
    TempDir folder;
    std::string path = folder.path("night.ballast");
    std::unique_ptr<BusRecorder> recorder(std::uint64_t max_bytes = std::uint64_t{1} << 30U) const {
        auto made = BusRecorder::create(path, "/run/events", {.max_bytes = max_bytes});
        if (!made) FAIL(made.error().message());
        return std::move(*made);
    }
    std::int64_t number(const std::string& query) const {
        SQLite::Database database(path, SQLite::OPEN_READONLY);
        return database.execAndGet(query).getInt64();
    }
    void change(const std::string& statements) const {
        SQLite::Database(path, SQLite::OPEN_READWRITE).exec(statements);
    }
};

// Tells a recorder of a host, as a daemon tells the bus.
class Teller {
  public:
    static constexpr double kStart_s = 5000;  // the host's clock when all begins

    explicit Teller(BusRecorder& recorder) : recorder_(recorder) {
        guest.late = UINT64_MAX;  // not known
    }

    ballast_bus_guest guest{};        // the next one's figures, but for what guests() is given
    ballast_bus_tick sums{};          // the next tick's
    ballast_bus_decision decision{};  // the next one's
    std::uint64_t epoch = 1;

    void tell(double at_s, const char* name, std::uint64_t total_bytes, std::uint64_t loaned_bytes,
              std::uint64_t usable_bytes) {
        guest.domain = domain(name);
        guest.total_bytes = total_bytes;
        guest.loaned_bytes = loaned_bytes;
        guest.usable_bytes = usable_bytes;
        add(BALLAST_BUS_GUEST, guest, at_s);
    }
    void tick(double at_s) { add(BALLAST_BUS_TICK, sums, at_s); }
    void ticks(double from_s, double to_s, double every_s = 1) {
        for (double at_s = from_s; at_s <= to_s; at_s += every_s) tick(at_s);
    }
    void decide(double at_s, const char* name) {
        decision.domain = domain(name);
        add(BALLAST_BUS_DECISION, decision, at_s);
    }
    void happen(double at_s, ballast_bus_type type, const char* name, const char* what,
                std::uint64_t bytes = 0) {
        ballast_bus_domain_event event{};
        event.domain = domain(name);
        std::strcpy(event.what, what);
        event.bytes = bytes;
        add(type, event, at_s);
    }
    void lose(std::uint64_t records, double at_s) {
        lost_ = records;
        tick(at_s);
    }

  private:
    static ballast_bus_domain domain(const char* name) {
        ballast_bus_domain domain{};
        std::strcpy(domain.name, name);
        std::memcpy(domain.uuid, name, std::min<std::size_t>(std::strlen(name), 16));
        return domain;
    }
    template <class Payload>
    void add(ballast_bus_type type, const Payload& payload, double at_s) {
        ballast_bus_record record = record_of(type, payload, std::llround((kStart_s + at_s) * 1e6));
        record.epoch = epoch;
        record.lost = std::exchange(lost_, 0);
        REQUIRE(recorder_.add(record));
    }

    BusRecorder& recorder_;
    std::uint64_t lost_ = 0;
};

}  // namespace ballast::test
