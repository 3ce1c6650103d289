// Which settings hold for one domain.
#pragma once

#include <string>

#include "config/settings.h"
#include "controller/domain_control.h"

namespace ballast {

// What operators set while the daemon runs; survives a reload of the file.
struct RuntimeSettings {
    std::optional<Duration> delay;
    std::optional<bool> debug;
    DomainOverride defaults;  // for all domains; pattern unused
};

// Pure. Fills the settings part of `control`. The most specific wins: set at run time for this
// domain
// (`own`, may be null), the file's first matching override, set at run time for all, the file's
// `cmm`.
void resolve_settings(const Settings& settings, const RuntimeSettings& runtime,
                      const DomainOverride* own, const std::string& name, DomainControl& control);
// The same for a domain that nothing overrides.
void resolve_defaults(const Settings& settings, const RuntimeSettings& runtime,
                      DomainControl& control);

}  // namespace ballast
