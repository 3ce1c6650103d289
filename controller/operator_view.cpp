#include "controller/operator_view.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/units.h"

namespace ballast {
namespace {

std::string seconds_text(Duration duration) {
    return fmt::format("{:g}", seconds_of(duration));
}

std::string flag_text(bool flag) {
    return flag ? "1" : "0";
}

}  // namespace

DomainAttributes attributes_of(const DomainControl& control) noexcept {
    return {.hotplug_delay = control.hotplug_delay,
            .oom_kb = control.oom_release_bytes / kKiB,
            .min_mem_mb = control.min_mem_bytes / kMiB,
            .disable = control.disabled,
            .loaned_kb = control.known_loaned_bytes / kKiB,
            .loaned_target_kb = control.loan_target_bytes / kKiB,
            .oom_freed_kb = control.oom_freed_bytes / kKiB,
            .simulate_loan_target_kb = control.fixed_loan_bytes / kKiB};
}

std::string attribute_text(Attribute attribute, const GlobalAttributes& global,
                           const DomainAttributes& domain) {
    switch (attribute) {
        case Attribute::delay:
            return seconds_text(global.delay);
        case Attribute::debug:
            return flag_text(global.debug);
        case Attribute::simulate:
            return flag_text(global.simulate);
        case Attribute::hotplug_delay:
            return seconds_text(domain.hotplug_delay);
        case Attribute::disable:
            return flag_text(domain.disable);
        case Attribute::oom_kb:
            return std::to_string(domain.oom_kb);
        case Attribute::min_mem_mb:
            return std::to_string(domain.min_mem_mb);
        case Attribute::loaned_kb:
            return std::to_string(domain.loaned_kb);
        case Attribute::loaned_target_kb:
            return std::to_string(domain.loaned_target_kb);
        case Attribute::oom_freed_kb:
            return std::to_string(domain.oom_freed_kb);
        case Attribute::simulate_loan_target_kb:
            return std::to_string(domain.simulate_loan_target_kb);
    }
    return "";
}

Result<std::string> read_attribute(const OperatorView& view, std::string_view domain,
                                   std::string_view attribute) {
    const auto known = attribute_from_name(attribute);
    if (!known) return Failure(known.error());
    if (domain.empty()) return attribute_text(*known, view.global, view.all);
    static const DomainNames kNone;
    const auto row = find_domain(view.names ? *view.names : kNone, domain);
    if (!row) return Failure(row.error());
    return attribute_text(*known, view.global, view.domains[*row]);
}

}  // namespace ballast
