#include "sim/trace_reader.h"

#include <catch2/catch.hpp>

#include "model/domain.h"
#include "tests/paths.h"

using namespace ballast;

namespace {

const std::string kHead = "vm,t_s,capacity_kib,used_kib\n";

std::string problem(const std::string& text) {
    const auto read = parse_trace(text, "t.csv");
    return read ? "none" : read.error().context;
}

}  // namespace

TEST_CASE("a trace becomes machines with capacities and demand, from time 0 on") {
    const auto read = parse_trace(kHead +
                                      "a,100,2048,0\n"
                                      "a,400.5,2048,1024\n"
                                      "b,100,4096,4096\r\n"
                                      "b,400.5,4096,1\n",
                                  "t.csv");
    REQUIRE(read);
    CHECK(read->name == "t.csv");
    CHECK(read->length_s == 300.5);
    REQUIRE(read->vms.size() == 2);
    CHECK(read->vms[0].name == "a");
    CHECK(read->vms[0].capacity_bytes == 2048 * 1024);
    CHECK(read->vms[0].deflate_on_oom);
    CHECK(read->vms[0].min_mem_bytes == kUnknownBytes);
    const auto& points = read->series[read->vms[1].series].points;
    REQUIRE(points.size() == 2);
    CHECK(points[0].at_s == 0);
    CHECK(points[0].bytes == 4096 * 1024);
    CHECK(points[1].at_s == 300.5);
    CHECK(points[1].bytes == 1024);
    CHECK(largest_capacity_bytes(*read) == 6144 * 1024);
}

TEST_CASE("machines that start late or end early are there only in between") {
    const auto read = parse_trace(kHead +
                                      "all,0,1024,1\nall,100,1024,1\n"
                                      "late,50,1024,1\nlate,100,1024,1\n"
                                      "early,0,1024,1\nearly,40,1024,1\n",
                                  "t.csv");
    REQUIRE(read);
    REQUIRE(read->changes.size() == 4);
    CHECK(read->changes[2].at_s == 40);
    CHECK(read->changes[2].vm == 2);
    CHECK(read->changes[2].kind == WorkloadChangeKind::goes);
    CHECK(read->changes[3].at_s == 50);
    CHECK(read->changes[3].kind == WorkloadChangeKind::comes);
    // No more than two were there at a time.
    CHECK(largest_capacity_bytes(*read) == 2048 * 1024);
}

TEST_CASE("a broken trace is told with its line and column, and what was expected") {
    CHECK(problem("") == "t.csv:1:1: the file is empty, expected 'vm,t_s,capacity_kib,used_kib'");
    CHECK(problem("vm,time,cap,used\n") ==
          "t.csv:1:1: found 'vm,time,cap,used', expected 'vm,t_s,capacity_kib,used_kib'");
    CHECK(problem(kHead) == "t.csv:1:1: found no row, expected at least two");
    CHECK(problem(kHead + "a,0,10\n") ==
          "t.csv:2:7: found 3 fields, expected 4, as in 'vm,t_s,capacity_kib,used_kib'");
    CHECK(problem(kHead + "a,0,10,1,5\n") ==
          "t.csv:2:9: found more than 4 fields, expected 4, as in 'vm,t_s,capacity_kib,used_kib'");
    CHECK(problem(kHead + "a,0,10,1\n\nb\n") ==
          "t.csv:4:2: found 1 fields, expected 4, as in 'vm,t_s,capacity_kib,used_kib'");
    CHECK(problem(kHead + ",0,10,1\n") == "t.csv:2:1: found no name, expected the machine's");
    CHECK(problem(kHead + "a,x,10,1\n") == "t.csv:2:3: t_s is 'x', expected seconds, 0 to 1e10");
    CHECK(problem(kHead + "a,-1,10,1\n").find("t.csv:2:3: t_s is '-1'") == 0);
    CHECK(problem(kHead + "a,nan,10,1\n").find("t.csv:2:3: ") == 0);
    CHECK(problem(kHead + "a,0,0,0\n").find("t.csv:2:5: capacity_kib is '0'") == 0);
    CHECK(problem(kHead + "a,0,99999999999999999999,0\n").find("t.csv:2:5: ") == 0);
    CHECK(problem(kHead + "a,0,10,1.5\n").find("t.csv:2:8: used_kib is '1.5'") == 0);
    CHECK(problem(kHead + "a,0,10,11\n") ==
          "t.csv:2:8: used_kib is '11', expected whole KiB, 0 to 10 (the capacity)");
    CHECK(problem(kHead + "a,5,10,1\na,5,10,1\n") ==
          "t.csv:3:3: t_s is 5, expected more than the 5 before it");
    CHECK(problem(kHead + "a,5,10,1\na,4,10,1\n").find("t.csv:3:3: ") == 0);
    CHECK(problem(kHead + "a,0,10,1\na,1,12,1\n").find("t.csv:3:3: capacity_kib is 12") == 0);
    CHECK(problem(kHead + "a,5,10,1\nb,5,12,1\na,4,10,1\n") ==
          "t.csv:4:3: t_s is 4, expected more than the 5 before it");
    CHECK(problem(kHead + "a,0,10,1\nb,0,12,1\na,1,12,1\n").find("t.csv:4:3: capacity_kib is 12") ==
          0);
    CHECK(problem(kHead + "a,0,10,1\nb,0,10,1\n").find("all rows are of one time") !=
          std::string::npos);
}

TEST_CASE("rows in the order of time are the trace that rows machine by machine are") {
    const auto by_machine =
        parse_trace(kHead + "a,0,10,1\na,5,10,2\na,9,10,3\nb,0,20,4\nb,5,20,5\n", "t.csv");
    const auto by_time =
        parse_trace(kHead + "a,0,10,1\nb,0,20,4\na,5,10,2\nb,5,20,5\na,9,10,3\n", "t.csv");
    REQUIRE(by_machine);
    REQUIRE(by_time);
    REQUIRE(by_time->vms.size() == 2);
    CHECK(by_time->vms[1].capacity_bytes == 20 * kKiB);
    CHECK(by_time->length_s == 9);
    for (std::size_t vm = 0; vm < 2; ++vm) {
        const auto& one = by_machine->series[vm].points;
        const auto& other = by_time->series[vm].points;
        REQUIRE(one.size() == other.size());
        for (std::size_t i = 0; i < one.size(); ++i) {
            CHECK(one[i].at_s == other[i].at_s);
            CHECK(one[i].bytes == other[i].bytes);
        }
    }
    REQUIRE(by_time->changes.size() == 3);
    CHECK(by_time->changes.back().vm == 1);
}

TEST_CASE("a trace that cannot be read says so") {
    const auto missing = read_trace("/nowhere/trace.csv");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code == Errc::io);
    const auto folder = read_trace(test_data());
    REQUIRE_FALSE(folder);
    CHECK(folder.error().message().find("cannot read") != std::string::npos);
}
