#include "hv_backends/libvirt/stats_sample.h"

#include <catch2/catch.hpp>
#include <limits>

#include "base/units.h"

using ballast::DomainFacts;
using ballast::DomainFlags;
using ballast::kMiB;
using ballast::kUnknownBytes;
using ballast::memory_figures;
using ballast::read_sample;
using ballast::state_flags;
using ballast::StatsSample;
using ballast::unmanaged_bytes;

namespace {

// Built by libvirt's own functions, as a driver does.
class Parameters {
  public:
    ~Parameters() { virTypedParamsFree(list_, count_); }
    Parameters& number(const char* name, unsigned long long value) {
        REQUIRE(virTypedParamsAddULLong(&list_, &count_, &room_, name, value) == 0);
        return *this;
    }
    Parameters& integer(const char* name, int value) {
        REQUIRE(virTypedParamsAddInt(&list_, &count_, &room_, name, value) == 0);
        return *this;
    }
    Parameters& text(const char* name, const char* value) {
        REQUIRE(virTypedParamsAddString(&list_, &count_, &room_, name, value) == 0);
        return *this;
    }
    StatsSample read() const { return read_sample(list_, count_); }

  private:
    virTypedParameterPtr list_ = nullptr;
    int count_ = 0;
    int room_ = 0;
};

StatsSample balloon(std::uint64_t current_kib, std::uint64_t maximum_kib) {
    StatsSample sample;
    sample.current_kib = current_kib;
    sample.maximum_kib = maximum_kib;
    return sample;
}

}  // namespace

TEST_CASE("of virtio-mem only what is plugged in is the domain's, and none of it is lent") {
    DomainFacts facts;
    facts.virtio_mem_bytes = 512 * kMiB;
    facts.virtio_mem_plugged_bytes = 128 * kMiB;
    // 512 MiB of memory and as much virtio-mem; the balloon holds 112.
    const auto figures = memory_figures(balloon((512 - 112 + 128) * 1024, 1024 * 1024), facts);
    CHECK(figures.total_bytes == 640 * kMiB);
    CHECK(figures.ballooned_bytes == 512 * kMiB);
    CHECK(figures.loaned_bytes == 112 * kMiB);
    // Figures that do not fit each other.
    facts.virtio_mem_bytes = 2048 * kMiB;
    CHECK(memory_figures(balloon(1024, 1024 * 1024), facts).ballooned_bytes == 0);
}

TEST_CASE("an NVDIMM is no part of what a domain can lend, and does not look lent") {
    DomainFacts facts;
    facts.unballooned_bytes = 256 * kMiB;
    const auto figures = memory_figures(balloon(512 * 1024, 768 * 1024), facts);
    CHECK(figures.total_bytes == 512 * kMiB);
    CHECK(figures.ballooned_bytes == 512 * kMiB);
    CHECK(figures.loaned_bytes == 0);
}

TEST_CASE("memory that a guest has not put online is not its own") {
    // 512 MiB, of which its kernel counts 405, and a DIMM of 256.
    StatsSample sample = balloon(768 * 1024, 768 * 1024);
    sample.available_kib = 405 * 1024;
    CHECK(unmanaged_bytes(sample, memory_figures(sample, {}), false) == 363 * kMiB);
    CHECK(unmanaged_bytes(sample, memory_figures(sample, {}), true) == 363 * kMiB);
    SECTION("the same once it lends: Linux takes that off its total, or does not") {
        sample.current_kib = 668 * 1024;
        CHECK(unmanaged_bytes(sample, memory_figures(sample, {}), true) == 363 * kMiB);
        sample.available_kib = 305 * 1024;
        CHECK(unmanaged_bytes(sample, memory_figures(sample, {}), false) == 363 * kMiB);
    }
    SECTION("once it is online, only the kernel's own is missing, which counts as before") {
        sample.available_kib = 661 * 1024;
        CHECK(unmanaged_bytes(sample, memory_figures(sample, {}), true) == 0);
        const StatsSample large = balloon(64 * 1024 * 1024, 64 * 1024 * 1024);
        StatsSample reserved = large;
        reserved.available_kib = 63 * 1024 * 1024 - 512 * 1024;  // a crash kernel of 512 MiB
        CHECK(unmanaged_bytes(reserved, memory_figures(reserved, {}), true) == 0);
    }
    SECTION("a guest that does not tell, or tells more than there is") {
        sample.available_kib = GENERATE(values<std::uint64_t>({kUnknownBytes, 1024 * 1024}));
        CHECK(unmanaged_bytes(sample, memory_figures(sample, {}), true) == 0);
    }
    SECTION("a guest that claims to have nothing keeps what it lent out of its total") {
        sample.current_kib = 668 * 1024;
        sample.available_kib = 1;
        CHECK(unmanaged_bytes(sample, memory_figures(sample, {}), true) == 668 * kMiB);
    }
}

TEST_CASE("a guest's record becomes figures") {
    const StatsSample sample = Parameters()
                                   .integer("state.state", VIR_DOMAIN_RUNNING)
                                   .integer("state.reason", VIR_DOMAIN_RUNNING_BOOTED)
                                   .number("balloon.current", 262144)
                                   .number("balloon.maximum", 524288)
                                   .number("balloon.swap_in", 7)
                                   .number("balloon.last-update", 1795225413)
                                   .number("balloon.unused", 200000)
                                   .number("balloon.available", 481296)
                                   .number("balloon.usable", 199000)
                                   .number("balloon.rss", 232344)
                                   .read();
    CHECK(sample.running());
    CHECK(sample.last_update_s == 1795225413);
    const auto figures = memory_figures(sample, {});
    CHECK(figures.total_bytes == 512 * kMiB);
    CHECK(figures.loaned_bytes == 256 * kMiB);
    CHECK(figures.unused_bytes == 200000ULL * 1024);
    CHECK(figures.usable_bytes == 199000ULL * 1024);
}

TEST_CASE("an empty record tells nothing and lends nothing") {
    const StatsSample sample = read_sample(nullptr, 0);
    CHECK_FALSE(sample.running());
    const auto figures = memory_figures(sample, {});
    CHECK(figures.total_bytes == 0);
    CHECK(figures.loaned_bytes == 0);
    CHECK(figures.unused_bytes == kUnknownBytes);
    CHECK(figures.usable_bytes == kUnknownBytes);
}

TEST_CASE("fields of an unexpected type are passed over") {
    const StatsSample sample = Parameters()
                                   .text("balloon.current", "262144")
                                   .integer("balloon.maximum", -1)
                                   .number("state.state", VIR_DOMAIN_RUNNING)
                                   .read();
    CHECK(sample.current_kib == kUnknownBytes);
    CHECK(sample.maximum_kib == kUnknownBytes);
    CHECK_FALSE(sample.running());
}

TEST_CASE("without a balloon the total is the one of the definition") {
    DomainFacts facts;
    facts.maximum_bytes = 300 * kMiB;
    const auto figures = memory_figures(StatsSample{}, facts);
    CHECK(figures.total_bytes == 300 * kMiB);
    CHECK(figures.loaned_bytes == 0);
}

TEST_CASE("a guest that claims to keep more than it has lends nothing") {
    constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
    for (const std::uint64_t claim :
         {524289ULL, 1ULL << 40U, static_cast<unsigned long long>(kMost),
          18014398509481984ULL /* 2^54: its bytes are 0 mod 2^64 */}) {
        const auto figures = memory_figures(balloon(claim, 524288), {});
        CHECK(figures.total_bytes == 512 * kMiB);
        CHECK(figures.loaned_bytes == 0);
    }
}

TEST_CASE("a guest that claims to keep nothing has lent all of it and no more") {
    const auto figures = memory_figures(balloon(0, 524288), {});
    CHECK(figures.loaned_bytes == figures.total_bytes);
}

TEST_CASE("a maximum whose bytes do not fit is none") {
    DomainFacts facts;
    facts.maximum_bytes = kMiB;
    for (const std::uint64_t maximum :
         {std::numeric_limits<std::uint64_t>::max() - 1, std::uint64_t{1} << 54U}) {
        CHECK(memory_figures(balloon(1, maximum), facts).total_bytes == kMiB);
        CHECK(memory_figures(balloon(1, maximum), {}).total_bytes == 0);
    }
}

TEST_CASE("guest figures above its memory are unknown") {
    StatsSample sample = balloon(524288, 524288);
    sample.unused_kib = 524288;
    sample.usable_kib = 524289;
    CHECK(memory_figures(sample, {}).unused_bytes == 512 * kMiB);
    CHECK(memory_figures(sample, {}).usable_bytes == kUnknownBytes);
    sample.unused_kib = std::uint64_t{1} << 54U;
    CHECK(memory_figures(sample, {}).unused_bytes == kUnknownBytes);
}

TEST_CASE("loans are whole pages") {
    for (std::uint64_t current = 524280; current <= 524288; ++current) {
        const auto figures = memory_figures(balloon(current, 524288), {});
        CHECK(figures.loaned_bytes % 4096 == 0);
        CHECK(figures.loaned_bytes <= (524288 - current) * 1024);
    }
}

TEST_CASE("a domain that does not run is paused, one on its way is migrating") {
    const auto flags = [](int state, int reason) {
        StatsSample sample;
        sample.state = state;
        sample.reason = reason;
        return state_flags(sample);
    };
    CHECK(flags(VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED) == DomainFlags::none);
    CHECK(flags(VIR_DOMAIN_BLOCKED, 0) == DomainFlags::none);
    CHECK(flags(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER) == DomainFlags::paused);
    CHECK(flags(VIR_DOMAIN_PMSUSPENDED, 0) == DomainFlags::paused);
    CHECK(flags(VIR_DOMAIN_SHUTDOWN, 0) == DomainFlags::paused);
    CHECK(flags(VIR_DOMAIN_CRASHED, 0) == (DomainFlags::paused | DomainFlags::crashed));
    CHECK(flags(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_CRASHED) ==
          (DomainFlags::paused | DomainFlags::crashed));
    for (const int reason :
         {VIR_DOMAIN_PAUSED_SAVE, VIR_DOMAIN_PAUSED_DUMP, VIR_DOMAIN_PAUSED_SNAPSHOT})
        CHECK(flags(VIR_DOMAIN_PAUSED, reason) == (DomainFlags::paused | DomainFlags::saving));
    CHECK(flags(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_MIGRATION) ==
          (DomainFlags::paused | DomainFlags::migrating));
    CHECK(flags(VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_POSTCOPY) == DomainFlags::migrating);
}
