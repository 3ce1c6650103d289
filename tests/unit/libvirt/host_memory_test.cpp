#include "hv_backends/libvirt/host_memory.h"

#include <catch2/catch.hpp>

using ballast::is_local;
using ballast::kUnknownBytes;
using ballast::parse_meminfo;
using ballast::parse_pressure;

TEST_CASE("total and available memory are read from meminfo") {
    const auto host = parse_meminfo(
        "MemTotal:       24682596 kB\nMemFree:        23000000 kB\nMemAvailable:   24000000 kB\n");
    CHECK(host.total_bytes == 24682596ULL * 1024);
    CHECK(host.available_bytes == 24000000ULL * 1024);
}

TEST_CASE("what meminfo does not tell is unknown") {
    for (const char* text :
         {"", "MemTotal:", "MemTotal:    \n", "MemTotal: many kB\n",
          "MemTotal: 99999999999999999999 kB", "MemTotal: 18446744073709551615"}) {
        CHECK(parse_meminfo(text).total_bytes == kUnknownBytes);
        CHECK(parse_meminfo(text).available_bytes == kUnknownBytes);
    }
}

TEST_CASE("swap is read from meminfo") {
    const auto host = parse_meminfo("SwapCached: 5 kB\nSwapTotal: 100 kB\nSwapFree: 40 kB\n");
    CHECK(host.swap_total_bytes == 100 * 1024);
    CHECK(host.swap_free_bytes == 40 * 1024);
}

TEST_CASE("the host's stalls are the total of the line of some tasks") {
    CHECK(parse_pressure("some avg10=0.00 avg60=1.50 avg300=0.00 total=129502803\n"
                         "full avg10=0.00 avg60=0.00 avg300=0.00 total=121005854\n") == 129502803);
}

TEST_CASE("a kernel without pressure stall information tells nothing") {
    for (const char* text : {"", "some", "some avg10=0.00\nfull total=5\n", "full total=5\n",
                             "some total=\n", "some total=x"})
        CHECK(parse_pressure(text) == kUnknownBytes);
}

TEST_CASE("only URIs without a host lead to this machine") {
    CHECK(is_local("qemu:///system"));
    CHECK(is_local("qemu+unix:///system?socket=/run/x/libvirt-sock"));
    CHECK_FALSE(is_local("qemu+ssh://root@far/system"));
    CHECK_FALSE(is_local("qemu+tls://far/system"));
    CHECK_FALSE(is_local("test:///default"));
    CHECK_FALSE(is_local("qemu"));
    CHECK_FALSE(is_local(""));
}
