#include "hv_backends/libvirt/host_memory.h"

#include <catch2/catch.hpp>

using ballast::is_local;
using ballast::kUnknownBytes;
using ballast::parse_meminfo;

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

TEST_CASE("only URIs without a host lead to this machine") {
    CHECK(is_local("qemu:///system"));
    CHECK(is_local("qemu+unix:///system?socket=/run/x/libvirt-sock"));
    CHECK_FALSE(is_local("qemu+ssh://root@far/system"));
    CHECK_FALSE(is_local("qemu+tls://far/system"));
    CHECK_FALSE(is_local("test:///default"));
    CHECK_FALSE(is_local("qemu"));
    CHECK_FALSE(is_local(""));
}
