#include "compare/run.h"

#include <catch2/catch.hpp>

#include "compare/grid.h"
#include "compare/report.h"
#include "sim/trace_reader.h"
#include "tests/paths.h"
#include "tests/unit/sim/workload_fixture.h"

using namespace ballast;
using namespace ballast::compare;
using namespace ballast::test;

namespace {

Contestant policy(PolicyKind kind) {
    return {std::string(entry_of(kind).name), default_choice(kind)};
}

const Contestant kStatic = policy(PolicyKind::still);
const Contestant kBound{kClairvoyant, {}};

RunResult run_of(const Workload& workload, const Contestant& contestant, double ratio,
                 const Constants& constants = {}) {
    auto result = run(workload, contestant, {ratio, {}}, constants);
    REQUIRE(result);
    return std::move(*result);
}

Workload office() {
    auto trace = read_trace(test_data() + "/traces/office.csv");
    REQUIRE(trace);
    return std::move(*trace);
}

}  // namespace

TEST_CASE("where the host has room for all, nobody is harmed, and static moves nothing") {
    const RunResult result = run_of(office(), kStatic, 1);
    CHECK(result.stall_percent() == 0);
    CHECK(result.ooms() == 0);
    CHECK(result.totals.moved == 0);
    CHECK(result.totals.lent_byte_s == 0);
    CHECK(result.policy == "static");
    CHECK(result.host_bytes == 56 * kGiB);
    CHECK(result.totals.guest_s == 8 * 21600);
    CHECK(result.domain_ticks == 8 * 2160);
}

TEST_CASE("with less host memory, static harms more, and the clairvoyant never more than static") {
    const Workload workload = office();
    double before = 0;
    for (double ratio = 1; ratio <= 3; ratio += 0.25) {
        const RunResult still = run_of(workload, kStatic, ratio);
        const RunResult bound = run_of(workload, kBound, ratio);
        INFO("ratio " << ratio);
        CHECK(still.stall_percent() >= before);
        CHECK(bound.stall_percent() <= still.stall_percent());
        CHECK(still.ooms() + bound.ooms() == 0);
        before = still.stall_percent();
    }
    CHECK(before > 0.1);
}

TEST_CASE("a host whose swap is full of what static guests once touched kills them") {
    Constants constants;
    constants.host_swap_share = 0.1;
    const RunResult still = run_of(office(), kStatic, 2, constants);
    CHECK(still.totals.host_ooms > 0);
    CHECK(run_of(office(), kBound, 2, constants).totals.host_ooms == 0);
}

TEST_CASE("a run of more steps than anybody would wait for is refused") {
    Workload workload = machines(1, kGiB, 1000);
    workload.length_s = 1e10;  // milliseconds taken for seconds
    const auto refused = run(workload, kStatic, {1.0, {}}, {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message().find("are its times in seconds?") != std::string::npos);
}

TEST_CASE("no loan leaves a guest less than it is to keep, whatever a policy wants") {
    Workload workload = machines(2, kGiB, 1000);
    workload.vms[0].fixed_loan_bytes = kUnknownBytes;
    workload.vms[1].fixed_loan_bytes = kUnknownBytes;
    workload.vms[1].min_mem_bytes = 2 * kGiB;  // more than it has
    Constants constants;
    constants.min_mem_share = 0.25;
    constants.samples = 10;
    const RunResult result = run_of(workload, policy(PolicyKind::fixed), 1, constants);
    REQUIRE(result.samples.size() == 10);
    CHECK(result.samples.back().lent == static_cast<Bytes>(768 * kMiB));
}

TEST_CASE("policies are asked with what the hypervisor wants and operators set") {
    Workload workload = machines(1, kGiB, 1000);
    workload.series.push_back({{{0, 256.0 * kMiB}, {500, 256.0 * kMiB}, {510, 0}}, false});
    workload.vms[0].loan_series = 1;
    Constants constants;
    constants.samples = 10;
    const RunResult result = run_of(workload, policy(PolicyKind::cmm), 1, constants);
    REQUIRE(result.samples.size() == 10);
    CHECK(result.samples[3].lent == static_cast<Bytes>(256 * kMiB));
    CHECK(result.samples[9].lent == 0);
    CHECK(result.totals.moved == 512.0 * kMiB);
}

TEST_CASE("samples are spread over the run and agree with its totals") {
    Constants constants;
    constants.samples = 24;
    const RunResult result = run_of(office(), kStatic, 2, constants);
    REQUIRE(result.samples.size() == 24);
    double stall = 0;
    for (std::size_t i = 0; i < 24; ++i) {
        CHECK(result.samples[i].at_s == 900.0 * static_cast<double>(i + 1));
        CHECK(result.samples[i].resident <= static_cast<Bytes>(result.host_bytes));
        CHECK(result.samples[i].demand > 0);
        stall += result.samples[i].stall_percent / 24;
    }
    CHECK(stall == Approx(result.stall_percent()));
}

TEST_CASE("the host is as large as the workload says where no ratio is asked for") {
    Workload workload = machines(4, kGiB, 100);
    CHECK_FALSE(run(workload, kStatic, {}, {}));
    workload.host_bytes = 2 * kGiB;
    const auto result = run(workload, kStatic, {}, {});
    REQUIRE(result);
    CHECK(result->overcommit == 2);
    CHECK(result->host_bytes == 2 * kGiB);
}

TEST_CASE("machines that claim more memory than there is in the world are refused") {
    Workload workload = machines(300, std::uint64_t{1} << 50U, 100);
    CHECK_FALSE(run(workload, kStatic, {1.0, {}}, {}));
    for (int i = 0; i < 10; ++i)
        for (std::size_t vm = 0; vm < 300; ++vm)
            workload.changes.push_back({0, vm, WorkloadChangeKind::comes});
    CHECK(largest_capacity_bytes(workload) == std::uint64_t{3300} << 50U);
}

TEST_CASE("guests that come and go are decided about only while they are there") {
    Workload workload = machines(3, kGiB, 1000);
    for (WorkloadVm& vm : workload.vms) vm.fixed_loan_bytes = 512 * kMiB;
    workload.changes.push_back({400, 0, WorkloadChangeKind::goes});
    workload.changes.push_back({600, 1, WorkloadChangeKind::goes});
    workload.changes.push_back({800, 0, WorkloadChangeKind::comes});
    for (const Contestant& contestant : {policy(PolicyKind::fixed), kBound}) {
        const RunResult result = run_of(workload, contestant, 1);
        CHECK(result.totals.guest_s == 1000 + 400 + 200 + 600);
        CHECK(result.stall_percent() == 0);
    }
}

TEST_CASE("a grid's runs come in its order and are the same on any number of threads") {
    const Workload workload = office();
    Grid grid;
    grid.contestants = {kStatic, kBound};
    grid.overcommit = {1, 2, 3};
    grid.demand = {{0.1, 1}, {0.1, 2}};
    Constants constants;
    constants.samples = 5;
    double done = 0;
    auto one = run_grid(workload, grid, constants, 1, [&done](double share) {
        CHECK(share > done);
        done = share;
    });
    auto three = run_grid(workload, grid, constants, 3, {});
    REQUIRE(one);
    REQUIRE(three);
    CHECK(done == 1);
    REQUIRE(one->size() == 12);
    CHECK((*one)[0].policy == "static");
    CHECK((*one)[2].overcommit == 3);
    CHECK((*one)[3].policy == kClairvoyant);
    CHECK((*one)[6].demand.k == 2);
    CHECK(comparison_json({{"x", *one}}) == comparison_json({{"x", *three}}));
}

TEST_CASE("a policy that cannot be made ends a grid with its name") {
    Contestant broken = kStatic;
    broken.name = "broken";
    broken.policy->kind = static_cast<PolicyKind>(250);
    Grid grid;
    grid.contestants = {kStatic, broken};
    grid.overcommit = {1};
    grid.demand = {{}};
    const auto results = run_grid(office(), grid, {}, 1, {});
    REQUIRE_FALSE(results);
    CHECK(results.error().context.find("broken") == 0);
}
