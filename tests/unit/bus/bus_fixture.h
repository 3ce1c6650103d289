// A bus in a folder of its own, and readers of it.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <fstream>
#include <memory>
#include <string>

#include "bus/ballast_bus.hpp"
#include "bus/writer.h"
#include "tests/unit/http/temp_dir.h"

namespace ballast::test {

struct BusFixture {
    TempDir folder;
    SystemClock clock;
    std::string path = folder.path("events");

    std::unique_ptr<BusWriter> writer(std::uint32_t slots = 16) const {
        auto made = BusWriter::create(path, {.slot_count = slots}, clock);
        if (!made) FAIL(made.error().message());
        return std::move(*made);
    }
    // What opening the file at `path` is refused with; empty: it is not.
    std::string refusal() const {
        ballast_bus* bus = nullptr;
        const int error = ballast_bus_open(&bus, path.c_str(), 0);
        const std::string text = error == 0 ? "" : ballast_bus_error(bus);
        ballast_bus_close(bus);
        return text;
    }
    void write(const std::string& bytes) const { std::ofstream(path, std::ios::binary) << bytes; }
};

inline void publish_number(BusWriter& writer, std::uint64_t number) {
    ballast_bus_tick tick{};
    tick.tick = number;
    writer.publish(BALLAST_BUS_TICK, tick);
}

// A record that is torn where its words differ.
using Numbers = std::array<std::uint64_t, 8>;

inline Numbers record_of(std::uint64_t position) {
    Numbers numbers;
    numbers.fill(position * 0x9e3779b97f4a7c15);
    return numbers;
}

inline int wait_for_child(pid_t child) {
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    return status;
}

}  // namespace ballast::test
