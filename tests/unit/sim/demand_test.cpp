#include "sim/demand.h"

#include <catch2/catch.hpp>

using namespace ballast;

namespace {

Workload one(std::vector<DemandPoint> points, bool steps = false) {
    Workload workload;
    workload.length_s = 100;
    WorkloadVm vm;
    vm.name = "a";
    vm.capacity_bytes = 1000;
    workload.vms.push_back(vm);
    workload.series.push_back({std::move(points), steps});
    return workload;
}

std::vector<Bytes> read(const Workload& workload, DemandScale scale,
                        const std::vector<double>& times) {
    DemandReader reader(workload, scale);
    std::vector<Bytes> values;
    for (const double at_s : times) {
        Bytes value = -1;
        reader.read(at_s, {&value, 1});
        values.push_back(value);
    }
    return values;
}

using Values = std::vector<Bytes>;

}  // namespace

TEST_CASE("demand is linear between points and constant outside") {
    const Workload workload = one({{10, 100}, {20, 200}, {40, 0}});
    CHECK(read(workload, {}, {0, 10, 15, 20, 30, 40, 99}) == Values{100, 100, 150, 200, 100, 0, 0});
    // A reader may begin anywhere, and jump over points.
    CHECK(read(workload, {}, {30, 50}) == Values{100, 0});
}

TEST_CASE("demand may hold until the next point instead") {
    CHECK(read(one({{10, 100}, {20, 200}}, true), {}, {0, 15, 20, 30}) ==
          Values{100, 100, 200, 200});
}

TEST_CASE("of two points of one time the later one counts from then on") {
    CHECK(read(one({{0, 100}, {10, 200}, {10, 600}, {20, 600}}), {}, {5, 10, 15}) ==
          Values{150, 600, 600});
}

TEST_CASE("demand is a floor plus so many times what is used, at most the capacity") {
    const Workload workload = one({{0, 0}, {10, 400}});
    CHECK(read(workload, {0.1, 2}, {0, 5, 10}) == Values{100, 500, 900});
    CHECK(read(workload, {0.5, 3}, {0, 1, 5, 10}) == Values{500, 620, 1000, 1000});
    CHECK(read(workload, {0, 0}, {10}) == Values{0});
}

TEST_CASE("loans that a hypervisor wants are read as they are, 0 where it wants none") {
    Workload workload = one({{0, 300}});
    Bytes value = -1;
    DemandReader::of_loans(workload).read(0, {&value, 1});
    CHECK(value == 0);
    workload.vms[0].loan_series = 0;
    DemandReader::of_loans(workload).read(0, {&value, 1});
    CHECK(value == 300);
}
