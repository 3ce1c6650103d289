#include "hv_backends/libvirt/stats_sample.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "base/saturating.h"
#include "base/units.h"

namespace ballast {
namespace {

constexpr std::uint64_t kPageBytes = 4 * kKiB;
// What a kernel may keep for itself before it counts its memory: its image, page tables, a crash
// kernel.
constexpr std::uint64_t kReservedBytes = 128 * kMiB;
constexpr std::uint64_t kReservedPart = 16;
// Above it a size in KiB is not one: its bytes would not fit a signed 64-bit figure.
constexpr std::uint64_t kMaxKib =
    static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / kKiB;

std::uint64_t whole_pages(std::uint64_t bytes) noexcept {
    return bytes - bytes % kPageBytes;
}

std::uint64_t guest_figure(std::uint64_t kib, std::uint64_t total_bytes) noexcept {
    return kib > total_bytes / kKiB ? kUnknownBytes : kib * kKiB;
}

// Where a figure of that name goes; nullptr for names we do not read.
std::uint64_t* figure(StatsSample& sample, std::string_view name) noexcept {
    if (name == "balloon.current") return &sample.current_kib;
    if (name == "balloon.maximum") return &sample.maximum_kib;
    if (name == "balloon.unused") return &sample.unused_kib;
    if (name == "balloon.usable") return &sample.usable_kib;
    if (name == "balloon.available") return &sample.available_kib;
    if (name == "balloon.rss") return &sample.rss_kib;
    if (name == "balloon.disk_caches") return &sample.cache_kib;
    if (name == "balloon.swap_in") return &sample.swapped_in_kib;
    if (name == "balloon.swap_out") return &sample.swapped_out_kib;
    if (name == "balloon.major_fault") return &sample.major_faults;
    if (name == "balloon.last-update") return &sample.last_update_s;
    return nullptr;
}

}  // namespace

bool StatsSample::running() const noexcept {
    return state == VIR_DOMAIN_RUNNING || state == VIR_DOMAIN_BLOCKED;
}

StatsSample read_sample(const virTypedParameter* parameters, int count) noexcept {
    StatsSample sample;
    for (int i = 0; i < count; ++i) {
        const virTypedParameter& parameter = parameters[i];
        const std::string_view name(parameter.field);
        if (parameter.type == VIR_TYPED_PARAM_ULLONG) {
            if (std::uint64_t* target = figure(sample, name)) *target = parameter.value.ul;
        } else if (parameter.type == VIR_TYPED_PARAM_INT) {
            if (name == "state.state") sample.state = parameter.value.i;
            if (name == "state.reason") sample.reason = parameter.value.i;
        }
    }
    return sample;
}

bool plausible(const StatsSample& sample, std::uint64_t total_bytes) noexcept {
    if (sample.available_kib == kUnknownBytes) return true;
    const auto fits = [&](std::uint64_t kib) {
        return kib == kUnknownBytes || kib <= sample.available_kib;
    };
    return sample.available_kib != 0 && sample.available_kib <= total_bytes / kKiB &&
           fits(sample.unused_kib) && fits(sample.usable_kib) && fits(sample.cache_kib);
}

MemoryFigures memory_figures(const StatsSample& sample, const DomainFacts& facts) noexcept {
    MemoryFigures figures;
    // libvirt's maximum holds what virtio-mem may come to, its current size what is plugged in.
    if (sample.maximum_kib <= kMaxKib)
        figures.ballooned_bytes = whole_pages(sample.maximum_kib * kKiB);
    else if (facts.maximum_bytes != kUnknownBytes)
        figures.ballooned_bytes = whole_pages(facts.maximum_bytes);
    const std::uint64_t others = facts.virtio_mem_bytes + facts.unballooned_bytes;
    figures.ballooned_bytes -= std::min(figures.ballooned_bytes, whole_pages(others));
    figures.total_bytes = figures.ballooned_bytes + whole_pages(facts.virtio_mem_plugged_bytes);
    // A guest may write any size of its balloon: more than everything kept means nothing lent.
    if (sample.current_kib < figures.total_bytes / kKiB)
        figures.loaned_bytes = whole_pages(figures.total_bytes - sample.current_kib * kKiB);
    figures.unused_bytes = guest_figure(sample.unused_kib, figures.total_bytes);
    figures.usable_bytes = guest_figure(sample.usable_kib, figures.total_bytes);
    figures.cache_bytes = guest_figure(sample.cache_kib, figures.total_bytes);
    return figures;
}

std::uint64_t unmanaged_bytes(const StatsSample& sample, const MemoryFigures& figures,
                              bool deflates_on_oom) noexcept {
    if (sample.available_kib > figures.total_bytes / kKiB) return 0;  // unknown as well
    // Linux takes what its balloon holds off MemTotal, but not where it may take it back itself.
    const std::uint64_t lent = deflates_on_oom ? 0 : figures.loaned_bytes;
    const std::uint64_t managed = whole_pages(sample.available_kib * kKiB) + lent;
    const std::uint64_t rest = less(figures.total_bytes, std::max(managed, figures.loaned_bytes));
    return rest > kReservedBytes + figures.total_bytes / kReservedPart ? rest : 0;
}

DomainFlags state_flags(const StatsSample& sample) noexcept {
    const bool migrating =
        (sample.state == VIR_DOMAIN_PAUSED && (sample.reason == VIR_DOMAIN_PAUSED_MIGRATION ||
                                               sample.reason == VIR_DOMAIN_PAUSED_POSTCOPY)) ||
        (sample.state == VIR_DOMAIN_RUNNING && sample.reason == VIR_DOMAIN_RUNNING_POSTCOPY);
    const bool carried_over =
        sample.state == VIR_DOMAIN_RUNNING && (sample.reason == VIR_DOMAIN_RUNNING_RESTORED ||
                                               sample.reason == VIR_DOMAIN_RUNNING_MIGRATED ||
                                               sample.reason == VIR_DOMAIN_RUNNING_FROM_SNAPSHOT);
    DomainFlags flags = carried_over ? DomainFlags::carried_over : DomainFlags::none;
    const bool saving =
        sample.state == VIR_DOMAIN_PAUSED &&
        (sample.reason == VIR_DOMAIN_PAUSED_SAVE || sample.reason == VIR_DOMAIN_PAUSED_DUMP ||
         sample.reason == VIR_DOMAIN_PAUSED_SNAPSHOT);
    const bool crashed =
        sample.state == VIR_DOMAIN_CRASHED ||
        (sample.state == VIR_DOMAIN_PAUSED && sample.reason == VIR_DOMAIN_PAUSED_CRASHED);
    if (!sample.running()) flags = flags | DomainFlags::paused;
    if (saving) flags = flags | DomainFlags::saving;
    if (crashed) flags = flags | DomainFlags::crashed;
    if (migrating) flags = flags | DomainFlags::migrating;
    return flags;
}

}  // namespace ballast
