// A recording that a test tells, and what is read of it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/units.h"
#include "recording/recording_reader.h"
#include "tests/unit/recording/recording_fixture.h"

namespace ballast::test {

struct ReaderFixture : RecordingFixture {
    std::unique_ptr<BusRecorder> recorder_ = recorder();
    Teller host{*recorder_};

    ReaderFixture() {
        host.sums.host_total_bytes = 16 * kGiB;
        host.sums.host_available_bytes = 8 * kGiB;
        host.sums.host_reserve_bytes = kGiB;
        host.sums.total_bytes = 8 * kGiB;
        host.guest.unused_bytes = 0;
    }
    Recording read() {
        REQUIRE(recorder_->finish());
        auto recording = read_recording(path);
        if (!recording) FAIL(recording.error().message());
        return std::move(*recording);
    }
    std::string refusal() {
        REQUIRE(recorder_->finish());
        const auto recording = read_recording(path);
        REQUIRE_FALSE(recording);
        return recording.error().message();
    }
};

inline double gib(double bytes) {
    return bytes / static_cast<double>(kGiB);
}

// Times and GiB of a machine's demand.
inline std::vector<std::pair<double, double>> demand(const Recording& recording,
                                                     std::size_t vm = 0) {
    std::vector<std::pair<double, double>> points;
    for (const DemandPoint& point :
         recording.workload.series[recording.workload.vms[vm].series].points)
        points.emplace_back(point.at_s, gib(point.bytes));
    return points;
}
using Points = std::vector<std::pair<double, double>>;

}  // namespace ballast::test
