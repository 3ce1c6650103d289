#include "sim/demand.h"

#include <algorithm>
#include <limits>

namespace ballast {
namespace {

const DemandSeries kNothing{{{0, 0}}, false};

}  // namespace

DemandReader::DemandReader(const Workload& workload, DemandScale scale) : scale_(scale) {
    for (const WorkloadVm& vm : workload.vms) add(workload, vm, vm.series);
}

DemandReader DemandReader::of_loans(const Workload& workload) {
    DemandReader reader;
    for (const WorkloadVm& vm : workload.vms) reader.add(workload, vm, vm.loan_series);
    return reader;
}

void DemandReader::add(const Workload& workload, const WorkloadVm& vm, std::size_t series) {
    const auto& points = series == kNoSeries ? kNothing.points : workload.series[series].points;
    Cursor& cursor = cursors_.emplace_back();
    cursor.begin = cursor.next = points.data();
    cursor.end = cursor.next + points.size();
    cursor.steps = series != kNoSeries && workload.series[series].steps;
    cursor.capacity = static_cast<double>(vm.capacity_bytes);
    cursor.until_s = -std::numeric_limits<double>::infinity();
}

void DemandReader::advance(Cursor& cursor, double at_s) const {
    while (cursor.next != cursor.end && cursor.next->at_s <= at_s) ++cursor.next;
    const bool begun = cursor.next != cursor.begin;
    const bool ended = cursor.next == cursor.end;
    cursor.until_s = ended ? std::numeric_limits<double>::infinity() : cursor.next->at_s;
    const double floor = scale_.floor_share * cursor.capacity;
    const DemandPoint& left = begun ? *(cursor.next - 1) : *cursor.next;
    cursor.slope = 0;
    if (begun && !ended && !cursor.steps)
        cursor.slope =
            scale_.k * (cursor.next->bytes - left.bytes) / (cursor.next->at_s - left.at_s);
    cursor.base = floor + scale_.k * left.bytes - cursor.slope * left.at_s;
}

void DemandReader::read(double at_s, std::span<Bytes> demand) {
    for (std::size_t vm = 0; vm < cursors_.size(); ++vm) {
        Cursor& cursor = cursors_[vm];
        if (at_s >= cursor.until_s) advance(cursor, at_s);
        const double needed = cursor.base + cursor.slope * at_s;
        demand[vm] = static_cast<Bytes>(std::clamp(needed, 0.0, cursor.capacity));
    }
}

}  // namespace ballast
