#include "hv_backends/libvirt/host_memory.h"

#include <catch2/catch.hpp>
#include <string>

#include "temporary_root.h"

using ballast::host_of;
using ballast::HostNode;
using ballast::HostState;
using ballast::is_local;
using ballast::kUnknownBytes;
using ballast::parse_meminfo;
using ballast::parse_node_list;
using ballast::parse_pressure;
using ballast::read_local_memory;
using ballast::test::TemporaryRoot;

namespace {

HostState parse(std::string_view text) {
    HostState host;
    parse_meminfo(text, host);
    return host;
}

}  // namespace

TEST_CASE("total and available memory are read from meminfo") {
    const auto host = parse(
        "MemTotal:       24682596 kB\nMemFree:        23000000 kB\nMemAvailable:   24000000 kB\n");
    CHECK(host.total_bytes == 24682596ULL * 1024);
    CHECK(host.available_bytes == 24000000ULL * 1024);
}

TEST_CASE("what meminfo does not tell is unknown") {
    for (const char* text :
         {"", "MemTotal:", "MemTotal:    \n", "MemTotal: many kB\n",
          "MemTotal: 99999999999999999999 kB", "MemTotal: 18446744073709551615"}) {
        CHECK(parse(text).total_bytes == kUnknownBytes);
        CHECK(parse(text).available_bytes == kUnknownBytes);
    }
}

TEST_CASE("swap is read from meminfo") {
    const auto host = parse("SwapCached: 5 kB\nSwapTotal: 100 kB\nSwapFree: 40 kB\n");
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

TEST_CASE("lists of nodes are read as the kernel writes them") {
    CHECK(parse_node_list("0\n") == 0b1);
    CHECK(parse_node_list("0-2,5\n") == 0b100111);
    CHECK(parse_node_list("3,1") == 0b1010);
    CHECK(parse_node_list("63") == std::uint64_t{1} << 63U);
    // Beyond what is told apart.
    CHECK(parse_node_list("1,64,100-4294967295") == 0b10);
    for (const char* text : {"", "\n", "x", "0-", "0-x", "1;2", "-1", "99999999999"})
        CHECK(parse_node_list(text) == 0);
}

TEST_CASE("a host's nodes with memory are read, each with its own figures") {
    const TemporaryRoot root;
    root.write("proc/meminfo", "MemTotal: 3000 kB\nMemAvailable: 1000 kB\n");
    root.write("sys/devices/system/node/has_memory", "0,2\n");
    root.write("sys/devices/system/node/node0/meminfo",
               "Node 0 MemTotal:       1000 kB\nNode 0 MemFree:         100 kB\n"
               "Node 0 Active(file):     20 kB\nNode 0 Inactive(file):    3 kB\n"
               "Node 0 SReclaimable:      1 kB\n");
    root.write("sys/devices/system/node/node2/meminfo",
               "Node 2 MemTotal: 2000 kB\nNode 2 MemFree: 50 kB\n");
    HostState host;
    for (int round = 0; round < 2; ++round) {
        read_local_memory(root.path(), host);
        CHECK(host.total_bytes == 3000 * 1024);
        REQUIRE(host.nodes.size() == 2);
        CHECK(host.nodes[0] == HostNode{0, 1000 * 1024, 100 * 1024, 124 * 1024});
        CHECK(host.nodes[1] == HostNode{2, 2000 * 1024, 50 * 1024, kUnknownBytes});
    }
}

TEST_CASE("pools of huge pages are no part of a host's total") {
    const std::string total = "MemTotal: 134217728 kB\nMemAvailable: 1048576 kB\n";
    // Pools of every size together.
    CHECK(parse(total + "HugePages_Total: 120\nHugepagesize: 1048576 kB\nHugetlb: 125831168 kB\n")
              .total_bytes == 8386560ULL * 1024);
    CHECK(parse(total + "HugePages_Total: 0\nHugepagesize: 2048 kB\nHugetlb: 125829120 kB\n")
              .total_bytes == 8388608ULL * 1024);
    // A kernel that does not tell their sum.
    CHECK(parse(total + "HugePages_Total: 1024\nHugepagesize: 2048 kB\n").total_bytes ==
          132120576ULL * 1024);
    CHECK(parse(total + "Hugetlb: 0 kB\n").total_bytes == 134217728ULL * 1024);
    CHECK(parse(total + "HugePages_Total: 5\n").total_bytes == 134217728ULL * 1024);
    // Figures that cannot be.
    CHECK(parse(total + "Hugetlb: 999999999999 kB\n").total_bytes == 0);
    CHECK(parse(total + "HugePages_Total: 18446744073709551615\nHugepagesize: 2048 kB\n")
              .total_bytes == 134217728ULL * 1024);
    CHECK(parse("Hugetlb: 4096 kB\n").total_bytes == kUnknownBytes);
}

TEST_CASE("pools of huge pages are no part of a node's total") {
    const TemporaryRoot root;
    root.write("proc/meminfo", "MemTotal: 9000000 kB\nHugepagesize: 2048 kB\n");
    root.write("sys/devices/system/node/has_memory", "0-2\n");
    for (const std::string node : {"0", "1", "2"})
        root.write("sys/devices/system/node/node" + node + "/meminfo",
                   "Node " + node + " MemTotal: 3000000 kB\nNode " + node +
                       " HugePages_Total: " + (node == "2" ? "100\n" : "0\n"));
    const std::string pools = "sys/devices/system/node/node1/hugepages/hugepages-";
    root.write(pools + "2048kB/nr_hugepages", "10\n");
    root.write(pools + "1048576kB/nr_hugepages", "2\n");
    HostState host;
    read_local_memory(root.path(), host);
    REQUIRE(host.nodes.size() == 3);
    CHECK(host.nodes[0].total_bytes == 3000000ULL * 1024);
    CHECK(host.nodes[1].total_bytes == (3000000ULL - 10 * 2048 - 2 * 1048576) * 1024);
    CHECK(host.nodes[2].total_bytes == (3000000ULL - 100 * 2048) * 1024);
}

TEST_CASE("a host that tells of no nodes has none") {
    const TemporaryRoot root;
    HostState host;
    host.nodes.resize(3);
    read_local_memory(root.path(), host);
    CHECK(host.nodes.empty());
    CHECK(host.total_bytes == kUnknownBytes);
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

TEST_CASE("the host of a URI is what stands there, or this machine") {
    CHECK(host_of("qemu+ssh://root@far.example/system") == "far.example");
    CHECK(host_of("qemu+ssh://root@far:2222/system?keyfile=/a@b") == "far");
    CHECK(host_of("qemu+tls://[2001:db8::1]:16514/system") == "2001:db8::1");
    const std::string own = host_of("qemu:///system");
    CHECK_FALSE(own.empty());
    for (const char* uri : {"qemu+unix:///system?socket=/run/x", "test:///default", "qemu", ""})
        CHECK(host_of(uri) == own);
}
