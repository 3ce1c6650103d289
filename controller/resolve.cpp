#include "controller/resolve.h"

#include "base/glob.h"

namespace ballast {
namespace {

constexpr std::uint32_t kDefaultShares = 1000;

const DomainOverride* first_match(const Settings& settings, const std::string& name) {
    for (const DomainOverride& candidate : settings.domains) {
        if (glob_matches(candidate.pattern, name)) return &candidate;
    }
    return nullptr;
}

void resolve(const Settings& settings, const RuntimeSettings& runtime, const DomainOverride* own,
             const DomainOverride* from_file, DomainControl& control) {
    const auto pick = [&](auto DomainOverride::*member, auto fallback) {
        for (const DomainOverride* layer : {own, from_file, &runtime.defaults}) {
            if (layer != nullptr && (layer->*member).has_value()) return *(layer->*member);
        }
        return fallback;
    };

    const CmmSettings& cmm = settings.cmm;
    control.min_mem_bytes = pick(&DomainOverride::min_mem_mb, cmm.min_mem_mb) * kMiB;
    control.oom_release_bytes = pick(&DomainOverride::oom_kb, cmm.oom_kb) * kKiB;
    control.max_step_bytes = pick(&DomainOverride::max_step_bytes, cmm.max_step_bytes);
    control.shares =
        static_cast<std::uint32_t>(pick(&DomainOverride::shares, std::uint64_t{kDefaultShares}));
    control.hotplug_delay = pick(&DomainOverride::hotplug_delay, cmm.hotplug_delay);
    control.disabled = pick(&DomainOverride::disable, cmm.disable);

    constexpr std::uint64_t kUnset = kUnknownBytes;
    const std::uint64_t fixed_kb = pick(&DomainOverride::simulate_loan_target_kb,
                                        cmm.simulate_loan_target_kb.value_or(kUnset));
    control.fixed_is_configured = fixed_kb != kUnset;
    // Whoever else set the balloon is respected until the operator wants otherwise.
    if (control.fixed_is_configured && control.yielded == Yielded::no)
        control.fixed_loan_bytes = fixed_kb * kKiB;
}

}  // namespace

void resolve_settings(const Settings& settings, const RuntimeSettings& runtime,
                      const DomainOverride* own, const std::string& name, DomainControl& control) {
    resolve(settings, runtime, own, first_match(settings, name), control);
}

void resolve_defaults(const Settings& settings, const RuntimeSettings& runtime,
                      DomainControl& control) {
    resolve(settings, runtime, nullptr, nullptr, control);
}

}  // namespace ballast
