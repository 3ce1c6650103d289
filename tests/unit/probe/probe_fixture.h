// Schemes that count, clocks that misbehave, and a team of readers.
#pragma once

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "probe/experiment.h"
#include "probe/parameters.h"

namespace ballast::probe::test {

// Counts the sections of each reader.
class CountingScheme final : public Scheme {
  public:
    void read_section(unsigned reader, std::uint32_t loops) override {
        sections[reader] += loops;
        ++calls[reader];
    }
    void delay_section(unsigned reader, std::uint32_t loops, const ReadDelay& delay) override {
        for (std::uint32_t i = 0; i < loops; ++i) delay.pass();
        read_section(reader, loops);
    }
    std::array<std::atomic<std::uint64_t>, 2> sections{};
    std::array<std::atomic<std::uint64_t>, 2> calls{};
};

// Two readers on whichever CPUs there are: both on one where there is one alone.
inline std::unique_ptr<ReaderTeam> two_readers() {
    auto cpus = usable_cpus();
    REQUIRE(cpus);
    const int first = cpus->front();
    const int second = cpus->size() > 1 ? (*cpus)[1] : first;
    auto team = ReaderTeam::start({.cpus = {first, second}});
    REQUIRE(team);
    return std::move(*team);
}

inline Reading clean_reading(Time from = Time(Duration(1000)), Duration length = Duration(500)) {
    Reading reading;
    reading.load_from = from - Duration(1000);
    reading.from = from;
    reading.to = from + length;
    reading.load_to = reading.to + Duration(1000);
    reading.cpu_before = reading.cpu_after = 0;
    reading.finished = true;
    return reading;
}

}  // namespace ballast::probe::test
