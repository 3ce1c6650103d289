#include "controller/parameter_events.h"

#include <algorithm>

#include "base/log.h"
#include "base/units.h"
#include "controller/reservations.h"
#include "sim/domain_names.h"

namespace ballast {

ParameterEvents::ParameterEvents(const Scenario& scenario, Time start) : start_(start) {
    for (const ScenarioEvent& event : scenario.events) {
        if (event.action == ScenarioAction::set_parameter ||
            event.action == ScenarioAction::reserve)
            events_.push_back(event);
    }
    std::stable_sort(events_.begin(), events_.end(),
                     [](const auto& a, const auto& b) { return a.at < b.at; });
    for (NamedDomain& domain : expand_domains(scenario.domains)) {
        names_.push_back(std::move(domain.name));
    }
}

std::optional<Time> ParameterEvents::next_at() const noexcept {
    if (next_ == events_.size()) return std::nullopt;
    return start_ + events_[next_].at;
}

void ParameterEvents::apply_due(Controller& controller, Time now) {
    for (; next_ < events_.size() && start_ + events_[next_].at <= now; ++next_) {
        const ScenarioEvent& event = events_[next_];
        if (event.action == ScenarioAction::reserve) {
            reserve(controller, event);
            continue;
        }
        const auto set = [&](const std::string& domain) {
            const auto done = controller.set_attribute(domain, event.parameter, event.value);
            if (done) return;
            ++refused_;
            log::warn("scenario: set {} {} {}: {}", domain.empty() ? "(all)" : domain,
                      event.parameter, event.value, done.error().message());
        };
        if (event.domain.empty()) {
            set("");
            continue;
        }
        for (const std::string& name : names_) {
            if (matches_domain(event.domain, name)) set(name);
        }
    }
}

// One for each domain that is meant, or for somebody whom nobody sees.
void ParameterEvents::reserve(Controller& controller, const ScenarioEvent& event) {
    const Duration lasts = event.lasts > Duration::zero() ? event.lasts : Reservations::kLongest;
    const auto reserve_for = [&](const std::string& domain) {
        const auto done = controller.reserve(event.bytes, domain, lasts);
        if (done) return;
        ++refused_;
        log::warn("scenario: reserve {} for {}: {}", format_size(event.bytes),
                  domain.empty() ? "nobody" : domain, done.error().message());
    };
    if (event.domain.empty()) return reserve_for("");
    for (const std::string& name : names_)
        if (matches_domain(event.domain, name)) reserve_for(name);
}

}  // namespace ballast
