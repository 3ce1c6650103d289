#include "hv_backends/libvirt/memory_cgroups.h"

#include <catch2/catch.hpp>

#include "base/units.h"
#include "temporary_root.h"

using namespace ballast;
using ballast::test::TemporaryRoot;
using namespace std::string_literals;

namespace {

constexpr const char* kUuid = "6695eb01-f6a4-8304-79aa-97f2502e193f";

std::string command_line(const std::string& uuid) {
    return "/usr/bin/qemu-system-x86_64\0-name\0guest=g\0-uuid\0"s + uuid + "\0-display\0none\0"s;
}

// A host with QEMU as process 42, in the cgroup /machine/g of each hierarchy.
struct Host {
    Host(const std::string& mounts, const std::string& cgroups) {
        root.write("proc/self/mountinfo", mounts);
        root.write("proc/42/cmdline", command_line(kUuid));
        root.write("proc/42/cgroup", cgroups);
    }
    std::vector<MemoryCgroup> around() const { return MemoryCgroups(root.path()).around(42); }
    TemporaryRoot root;
};

const std::string kV1 =
    "33 32 0:27 / /cg/memory rw - cgroup cgroup rw,memory\n"
    "34 32 0:28 / /cg/cpu rw - cgroup cgroup rw,cpu\n";
const std::string kV2 = "30 23 0:26 / /cg rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";

}  // namespace

TEST_CASE("QEMU is found by the UUID on its command line") {
    const TemporaryRoot root;
    root.write("proc/42/cmdline", command_line(kUuid));
    root.write("proc/43/cmdline", "virsh\0-uuid\0"s + kUuid + "\0"s);
    root.write("proc/44/cmdline", command_line("not-a-uuid"));
    root.write("proc/45/cmdline", "/usr/bin/qemu-system-x86_64\0-uuid"s);
    root.write("proc/self/cmdline", command_line("11111111-1111-1111-1111-111111111111"));
    root.write("proc/46/comm", "no command line");
    const MemoryCgroups cgroups(root.path());
    const auto found = cgroups.find_qemus();
    REQUIRE(found.size() == 1);
    CHECK(to_string(found.begin()->first) == kUuid);
    CHECK(found.begin()->second == 42);
    CHECK(cgroups.is_qemu_of(42, *parse_uuid(kUuid)));
    CHECK_FALSE(cgroups.is_qemu_of(43, *parse_uuid(kUuid)));
    CHECK_FALSE(cgroups.is_qemu_of(99, *parse_uuid(kUuid)));
    CHECK(MemoryCgroups(root.path() + "/none").find_qemus().empty());
}

TEST_CASE("limits of cgroup v1 are read from its own cgroup up") {
    const Host host(kV1, "5:cpu:/machine/g\n4:memory:/machine/g\n");
    host.root.write("cg/memory/machine/g/memory.limit_in_bytes", "796917760\n");
    host.root.write("cg/memory/machine/g/memory.usage_in_bytes", "500000000\n");
    host.root.write("cg/memory/machine/g/memory.stat",
                    "inactive_file 7\ntotal_inactive_file 100000000\n");
    host.root.write("cg/memory/machine/memory.limit_in_bytes", "1073741824\n");
    host.root.write("cg/memory/memory.limit_in_bytes", "9223372036854771712\n");
    const auto found = host.around();
    REQUIRE(found.size() == 2);
    CHECK(found[0].path == "/cg/memory/machine/g");
    CHECK(found[0].limit_bytes == 796917760);
    CHECK(found[0].used_bytes == 400000000);
    CHECK(found[1].limit_bytes == kGiB);
}

TEST_CASE("limits of cgroup v2 are read from its own cgroup up") {
    const Host host(kV2, "0::/machine.slice/g.scope/libvirt/emulator\n");
    host.root.write("cg/machine.slice/g.scope/libvirt/emulator/memory.max", "max\n");
    host.root.write("cg/machine.slice/g.scope/libvirt/memory.max", "max\n");
    host.root.write("cg/machine.slice/g.scope/memory.max", "1073741824\n");
    host.root.write("cg/machine.slice/g.scope/memory.current", "600\n");
    host.root.write("cg/machine.slice/g.scope/memory.stat", "anon 500\ninactive_file 100\n");
    host.root.write("cg/machine.slice/memory.max", "2147483648\n");
    const auto found = host.around();
    REQUIRE(found.size() == 2);
    CHECK(found[0].path == "/cg/machine.slice/g.scope");
    CHECK(found[0].limit_bytes == kGiB);
    CHECK(found[0].used_bytes == 500);
    CHECK(found[1].limit_bytes == 2 * kGiB);
}

TEST_CASE("both hierarchies count where both are mounted") {
    const Host host(kV1 + "35 32 0:29 / /cg/unified rw - cgroup2 cgroup2 rw\n",
                    "4:memory:/g\n0::/g\n");
    host.root.write("cg/memory/g/memory.limit_in_bytes", "1000\n");
    host.root.write("cg/unified/g/memory.max", "2000\n");
    CHECK(host.around().size() == 2);
}

TEST_CASE("a cgroup of which only a part is mounted is found below that") {
    const Host host("30 23 0:26 /docker/x /cg\\040here rw - cgroup2 cgroup2 rw\n",
                    "0::/docker/x/machine/g\n");
    host.root.write("cg here/machine/g/memory.max", "4096\n");
    const auto found = host.around();
    REQUIRE(found.size() == 1);
    CHECK(found[0].limit_bytes == 4096);
}

TEST_CASE("what cannot be read is no limit") {
    CHECK(Host(kV2, "").around().empty());
    CHECK(Host("", "0::/g\n").around().empty());
    CHECK(Host("nonsense\n1 2 - \n", "0::/g\n:\n0\n").around().empty());
    CHECK(Host(kV2, "0::/../elsewhere\n").around().empty());
    CHECK(Host(kV2, "3:cpu:/g\n").around().empty());
    const Host odd(kV2, "0::/g\n");
    odd.root.write("cg/g/memory.max", "many\n");
    CHECK(odd.around().empty());
}

TEST_CASE("UUIDs are read as libvirt writes them") {
    CHECK(to_string(*parse_uuid(kUuid)) == kUuid);
    for (const char* text :
         {"", "6695eb01", "6695eb01-f6a4-8304-79aa-97f2502e193",
          "6695eb01xf6a4-8304-79aa-97f2502e193f", "6695eb01-f6a4-8304-79aa-97f2502e193g",
          "6695eb0 -f6a4-8304-79aa-97f2502e193f"})
        CHECK_FALSE(parse_uuid(text));
}
