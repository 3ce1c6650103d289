#include "hv_backends/libvirt/domain_facts.h"

#include <catch2/catch.hpp>
#include <string>

using ballast::Errc;
using ballast::parse_domain_facts;

namespace {

std::string domain(const std::string& devices, const std::string& more = "") {
    return "<domain type='kvm' id='3'><name>g1</name>"
           "<memory unit='KiB'>524288</memory><currentMemory unit='KiB'>262144</currentMemory>" +
           more + "<devices>" + devices + "</devices></domain>";
}

}  // namespace

TEST_CASE("a balloon with all its attributes is read") {
    const auto facts = parse_domain_facts(
        domain("<memballoon model='virtio' autodeflate='on' freePageReporting='on'>"
               "<stats period='5'/><alias name='balloon0'/></memballoon>"));
    REQUIRE(facts);
    CHECK(facts->maximum_bytes == 512ULL << 20U);
    CHECK(facts->has_balloon);
    CHECK(facts->deflate_on_oom);
    CHECK(facts->stats_period_s == 5);
    CHECK_FALSE(facts->pinned_memory);
}

TEST_CASE("a plain balloon neither deflates by itself nor has statistics") {
    const auto facts = parse_domain_facts(domain("<memballoon model='virtio'/>"));
    REQUIRE(facts);
    CHECK(facts->has_balloon);
    CHECK_FALSE(facts->deflate_on_oom);
    CHECK(facts->stats_period_s == 0);
}

TEST_CASE("model none and no element at all are no balloon") {
    CHECK_FALSE(parse_domain_facts(domain("<memballoon model='none'/>"))->has_balloon);
    CHECK_FALSE(parse_domain_facts(domain(""))->has_balloon);
}

TEST_CASE("a newer balloon model is a balloon") {
    CHECK(parse_domain_facts(domain("<memballoon model='virtio-non-transitional'/>"))->has_balloon);
}

TEST_CASE("memory that cannot be freed is recognised") {
    const auto pinned = [](const std::string& devices, const std::string& more) {
        return parse_domain_facts(domain(devices, more))->pinned_memory;
    };
    CHECK(pinned("", "<memoryBacking><hugepages/></memoryBacking>"));
    CHECK(pinned("", "<memoryBacking><locked/></memoryBacking>"));
    CHECK(pinned("<hostdev mode='subsystem' type='pci' managed='yes'/>", ""));
    CHECK(pinned("<hostdev mode='subsystem' type='mdev' model='vfio-pci'/>", ""));
    CHECK(pinned("<interface type='hostdev'/>", ""));
    CHECK(pinned("<interface type='vdpa'/>", ""));

    CHECK(pinned("<interface type='network'/><interface type='hostdev' managed='yes'/>", ""));
    CHECK(pinned("", "<launchSecurity type='sev'><policy>0x0003</policy></launchSecurity>"));
    CHECK(pinned("", "<launchSecurity type='sev-snp'/>"));
    CHECK(pinned("", "<launchSecurity type='s390-pv'/>"));
    CHECK(pinned("", "<launchSecurity type='tdx'/>"));
    CHECK(pinned("<disk type='nvme' device='disk'><source type='pci' managed='yes'/></disk>", ""));
    CHECK(pinned("<disk type='vhostvdpa'/>", ""));
    CHECK(pinned("<disk type='file'><backingStore type='nvme'/></disk>", ""));
    CHECK(
        pinned("<disk type='file'><backingStore type='file'><backingStore type='nvme'/>"
               "</backingStore></disk>",
               ""));
    CHECK(pinned("<disk type='file'><mirror type='nvme' job='copy'/></disk>", ""));
    CHECK(pinned("",
                 "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
                 "<qemu:arg value='-device'/><qemu:arg value='vfio-pci,host=01:00.0'/>"
                 "</qemu:commandline>"));

    // They translate each address anew.
    CHECK_FALSE(pinned("<hostdev mode='subsystem' type='mdev' model='vfio-ap'/>", ""));
    CHECK_FALSE(pinned("<hostdev mode='subsystem' type='mdev' model='vfio-ccw'/>", ""));
    CHECK_FALSE(pinned("<disk type='block'><source dev='/dev/nvme0n1'/></disk>", ""));
    CHECK_FALSE(pinned("<disk type='file'><backingStore type='file'/></disk>", ""));
    CHECK_FALSE(pinned("",
                       "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
                       "<qemu:arg value='-device'/><qemu:arg value='virtio-rng-pci'/>"
                       "</qemu:commandline>"));
    CHECK_FALSE(pinned("<hostdev mode='subsystem' type='usb'/>", ""));
    CHECK_FALSE(pinned("<interface type='bridge'/>", ""));
    CHECK_FALSE(pinned("", "<memoryBacking><nosharepages/></memoryBacking>"));
}

TEST_CASE("what bounds QEMU's memory, and what it needs beside the guest's, is read") {
    const auto facts =
        parse_domain_facts(domain("",
                                  "<vcpu placement='static' current='2'>4</vcpu><memtune>"
                                  "<hard_limit unit='KiB'>778240</hard_limit></memtune>"));
    REQUIRE(facts);
    CHECK(facts->hard_limit_bytes == 778240ULL * 1024);
    CHECK(facts->vcpus == 4);
    CHECK_FALSE(facts->emulated);
    CHECK_FALSE(facts->huge_pages);
    CHECK(parse_domain_facts("<domain type='qemu'/>")->emulated);
    CHECK(
        parse_domain_facts(domain("", "<memoryBacking><hugepages/></memoryBacking>"))->huge_pages);
    for (const char* none :
         {"", "<memtune/>", "<memtune><soft_limit unit='KiB'>5</soft_limit></memtune>",
          "<memtune><hard_limit unit='KiB'>9007199254740991</hard_limit></memtune>"})
        CHECK(parse_domain_facts(domain("", none))->hard_limit_bytes == ballast::kUnknownBytes);
}

TEST_CASE("words in a description or in metadata are not taken for devices") {
    const auto facts =
        parse_domain_facts(domain("",
                                  "<metadata><memballoon model='virtio'/><hugepages/></metadata>"
                                  "<description>&lt;memballoon model='virtio'/&gt;</description>"));
    REQUIRE(facts);
    CHECK_FALSE(facts->has_balloon);
    CHECK_FALSE(facts->pinned_memory);
}

TEST_CASE("memory devices that a balloon does not count are told apart from DIMMs") {
    const auto device = [](const std::string& model) {
        return "<memory model='" + model +
               "'><target><size unit='KiB'>524288</size></target></memory>";
    };
    const auto bytes = [&](const std::string& devices) {
        return parse_domain_facts(domain(devices))->unballooned_bytes;
    };
    CHECK(bytes(device("dimm") + device("virtio-mem")) == 0);
    for (const char* model : {"nvdimm", "virtio-pmem", "sgx-epc"})
        CHECK(bytes(device(model) + device("dimm")) == 524288ULL * 1024);
    CHECK(bytes(device("nvdimm") + device("nvdimm")) == 1048576ULL * 1024);
}

TEST_CASE("virtio-mem is told as what it may come to, what is plugged in and what is wanted") {
    const auto device = [](int size_kib, int requested_kib, int current_kib) {
        return "<memory model='virtio-mem'><target><size unit='KiB'>" + std::to_string(size_kib) +
               "</size><block unit='KiB'>2048</block><requested unit='KiB'>" +
               std::to_string(requested_kib) + "</requested><current unit='KiB'>" +
               std::to_string(current_kib) + "</current></target></memory>";
    };
    const auto facts = parse_domain_facts(
        domain("<memory model='dimm'><target><size unit='KiB'>131072</size></target></memory>" +
               device(524288, 262144, 131072) + device(2048, 0, 2048)));
    REQUIRE(facts);
    CHECK(facts->virtio_mem_bytes == 526336ULL * 1024);
    CHECK(facts->virtio_mem_requested_bytes == 262144ULL * 1024);
    CHECK(facts->virtio_mem_plugged_bytes == 133120ULL * 1024);
    CHECK(parse_domain_facts(domain(""))->virtio_mem_bytes == 0);
    // More than there is; sizes that are none.
    CHECK(parse_domain_facts(domain(device(2048, 0, 4096)))->virtio_mem_plugged_bytes ==
          2048ULL * 1024);
    CHECK(parse_domain_facts(domain(device(-1, -1, -1)))->virtio_mem_bytes == 0);
}

TEST_CASE("the nodes that a domain is bound to are those of all its bindings") {
    const auto nodes = [](const std::string& numatune) {
        return parse_domain_facts(domain("", "<numatune>" + numatune + "</numatune>"))->node_mask;
    };
    CHECK(nodes("<memory mode='strict' nodeset='1,3-4'/>") == 0b11010);
    CHECK(nodes("<memory mode='interleave' nodeset='0'/>"
                "<memnode cellid='0' mode='restrictive' nodeset='2'/>") == 0b101);
    CHECK(nodes("<memory mode='preferred' nodeset='1'/>") == 0);
    CHECK(nodes("<memory mode='strict' placement='auto'/>") == 0);
    CHECK(nodes("<memory mode='strict' nodeset='all of them'/>") == 0);
    CHECK(nodes("") == 0);
}

TEST_CASE("figures that do not parse are as if absent") {
    const auto facts = parse_domain_facts(
        "<domain><memory unit='KiB'>99999999999999999999</memory><devices>"
        "<memballoon model='virtio'><stats period='-1'/></memballoon></devices></domain>");
    REQUIRE(facts);
    CHECK(facts->maximum_bytes == ballast::kUnknownBytes);
    CHECK(facts->stats_period_s == 0);
    CHECK(parse_domain_facts("<domain><memory unit='KiB'>9223372036854775807</memory></domain>")
              ->maximum_bytes == ballast::kUnknownBytes);
    CHECK(parse_domain_facts("<domain><memory unit='GiB'>1</memory></domain>")->maximum_bytes ==
          ballast::kUnknownBytes);
}

TEST_CASE("what is no domain is refused") {
    for (const char* text : {"", "no xml", "<domain>", "<network/>", "<a><domain/></a>"}) {
        const auto facts = parse_domain_facts(text);
        REQUIRE_FALSE(facts);
        CHECK(facts.error().code == Errc::bad_data);
    }
}

TEST_CASE("an entity that would grow without bound is refused") {
    std::string bomb = "<!DOCTYPE d [<!ENTITY a0 'x'>";
    for (int i = 1; i < 40; ++i) {
        const std::string inner = "&a" + std::to_string(i - 1) + ";";
        bomb += "<!ENTITY a" + std::to_string(i) + " '" + inner + inner + "'>";
    }
    bomb += "]><domain><memory unit='KiB'>&a39;</memory></domain>";
    const auto facts = parse_domain_facts(bomb);
    CHECK((!facts || facts->maximum_bytes == ballast::kUnknownBytes));
}
