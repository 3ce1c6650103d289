#include "hv_backends/libvirt/memory_limits.h"

#include <catch2/catch.hpp>

#include "base/units.h"
#include "temporary_root.h"

using namespace ballast;
using ballast::test::TemporaryRoot;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

// Domains of 1 GiB that keep 400 MiB, one process each, in a cgroup v2 mounted at /cg.
struct Host {
    explicit Host(std::size_t count) {
        root.write("proc/self/mountinfo", "30 23 0:26 / /cg rw - cgroup2 cgroup2 rw\n");
        domains.resize(count);
        facts.resize(count);
        for (std::size_t row = 0; row < count; ++row) {
            domains.key[row] = key_from_name("g" + std::to_string(row));
            domains.page_shift[row] = 12;
            domains.total_bytes[row] = kGiB;
            domains.loaned_bytes[row] = 624 * kMiB;
            domains.resident_bytes[row] = 300 * kMiB;
            const std::string folder = "proc/" + std::to_string(100 + row);
            root.write(folder + "/cmdline", "qemu\0-uuid\0"s + to_string(domains.key[row]) + "\0"s);
        }
    }
    void put(std::size_t row, const std::string& cgroup) const {
        root.write("proc/" + std::to_string(100 + row) + "/cgroup", "0::" + cgroup + "\n");
    }
    void limit(const std::string& cgroup, std::uint64_t limit_bytes,
               std::uint64_t used_bytes) const {
        root.write("cg" + cgroup + "/memory.max", std::to_string(limit_bytes) + "\n");
        root.write("cg" + cgroup + "/memory.current", std::to_string(used_bytes) + "\n");
    }
    std::uint64_t limit_of(std::size_t row) {
        now += 10s;
        limits.fill(
            domains, [this](std::size_t at) { return &facts[at]; }, now);
        return domains.limit_bytes[row];
    }
    std::uint64_t overhead() const {
        return qemu_overhead_bytes(facts[0], kGiB, 400 * kMiB, 300 * kMiB);
    }

    TemporaryRoot root;
    DomainTable domains;
    std::vector<DomainFacts> facts;
    MemoryLimits limits{true, MemoryCgroups(root.path())};
    Time now{1h};
};

}  // namespace

TEST_CASE("a domain is given what its cgroup can hold beside QEMU itself") {
    Host host(1);
    host.put(0, "/machine/g");
    host.limit("/machine/g", 760 * kMiB, 320 * kMiB);
    CHECK(host.limit_of(0) == ((760 * kMiB - host.overhead() - 20 * kMiB) & ~4095ULL));
    // More than all of its memory is no bound.
    host.limit("/machine/g", 4 * kGiB, 320 * kMiB);
    CHECK(host.limit_of(0) == kUnknownBytes);
    // Less than it keeps already.
    host.limit("/machine/g", 400 * kMiB, 320 * kMiB);
    CHECK(host.limit_of(0) < 400 * kMiB);
}

TEST_CASE("a cgroup above bounds as well, and the tightest counts") {
    Host host(1);
    host.put(0, "/machine/g");
    host.limit("/machine/g", 2 * kGiB, 300 * kMiB);
    host.limit("/machine", 760 * kMiB, 300 * kMiB);
    CHECK(host.limit_of(0) == ((760 * kMiB - host.overhead()) & ~4095ULL));
}

TEST_CASE("domains share evenly what is left in the cgroup that is around them all") {
    Host host(2);
    host.put(0, "/machine/a");
    host.put(1, "/machine/b");
    host.limit("/machine", 2 * kGiB, 600 * kMiB);
    const std::uint64_t left = 2 * kGiB - 2 * (400 * kMiB + host.overhead());
    CHECK(host.limit_of(0) == ((400 * kMiB + left / 2) & ~4095ULL));
    CHECK(host.limit_of(1) == host.limit_of(0));
    // What one is given the other cannot have.
    host.domains.loaned_bytes[0] = 0;
    CHECK(host.limit_of(1) < 400 * kMiB + left / 2);
    CHECK(2 * kGiB >= kGiB + host.limit_of(1) + 2 * host.overhead());
}

TEST_CASE("other programs in the cgroup count") {
    Host host(1);
    host.put(0, "/machine");
    host.limit("/machine", 760 * kMiB, 300 * kMiB);
    const std::uint64_t alone = host.limit_of(0);
    host.limit("/machine", 760 * kMiB, 400 * kMiB);
    CHECK(host.limit_of(0) == alone - 100 * kMiB);
}

TEST_CASE("a hard limit of the domain's memtune bounds it, also where nothing can be read") {
    Host host(1);
    host.facts[0].hard_limit_bytes = 760 * kMiB;
    CHECK(host.limit_of(0) == ((760 * kMiB - host.overhead()) & ~4095ULL));
    MemoryLimits remote(false, MemoryCgroups(host.root.path()));
    remote.fill(
        host.domains, [&](std::size_t) { return &host.facts[0]; }, host.now);
    CHECK(host.domains.limit_bytes[0] == ((760 * kMiB - host.overhead()) & ~4095ULL));
    remote.fill(
        host.domains, [](std::size_t) { return nullptr; }, host.now);
    CHECK(host.domains.limit_bytes[0] == kUnknownBytes);
}

TEST_CASE("QEMU's own need is what it is seen to hold, where that is more than expected") {
    DomainFacts facts;
    const std::uint64_t expected = qemu_overhead_bytes(facts, kGiB, 400 * kMiB, 300 * kMiB);
    CHECK(expected > 64 * kMiB);
    CHECK(qemu_overhead_bytes(facts, kGiB, 400 * kMiB, 900 * kMiB) == 500 * kMiB);
    facts.vcpus = 16;
    CHECK(qemu_overhead_bytes(facts, kGiB, 400 * kMiB, 300 * kMiB) == expected + 15 * 8 * kMiB);
    facts.emulated = true;
    CHECK(qemu_overhead_bytes(facts, kGiB, 400 * kMiB, 300 * kMiB) > expected + 15 * 8 * kMiB);
}

TEST_CASE("huge pages are not charged to the memory cgroup") {
    Host host(2);
    host.put(0, "/machine/a");
    host.put(1, "/machine/b");
    host.limit("/machine", kGiB, 600 * kMiB);
    const std::uint64_t before = host.limit_of(0);
    host.facts[1].huge_pages = true;
    host.domains.resident_bytes[1] = 40 * kMiB;
    CHECK(host.limit_of(0) > before);
    CHECK(host.limit_of(1) == kUnknownBytes);
}

TEST_CASE("a QEMU that is another process by now is looked for again") {
    Host host(1);
    host.put(0, "/machine");
    host.limit("/machine", 760 * kMiB, 300 * kMiB);
    REQUIRE(host.limit_of(0) != kUnknownBytes);
    host.root.remove("proc/100");
    CHECK(host.limit_of(0) == kUnknownBytes);
    host.root.write("proc/200/cmdline", "qemu\0-uuid\0"s + to_string(host.domains.key[0]) + "\0"s);
    host.root.write("proc/200/cgroup", "0::/machine\n");
    CHECK(host.limit_of(0) != kUnknownBytes);
}
