#include "model/scenario.h"

namespace ballast {

std::string_view to_string(ScenarioAction action) noexcept {
    switch (action) {
        case ScenarioAction::loan_request:
            return "loan_request";
        case ScenarioAction::used:
            return "used";
        case ScenarioAction::oom:
            return "oom";
        case ScenarioAction::pause:
            return "pause";
        case ScenarioAction::resume:
            return "resume";
        case ScenarioAction::hotplug_remove:
            return "hotplug_remove";
        case ScenarioAction::hotplug_add:
            return "hotplug_add";
        case ScenarioAction::hotplug_cancel:
            return "hotplug_cancel";
        case ScenarioAction::migrate:
            return "migrate";
        case ScenarioAction::migrate_pages:
            return "migrate_pages";
        case ScenarioAction::domain_stop:
            return "domain_stop";
        case ScenarioAction::domain_start:
            return "domain_start";
        case ScenarioAction::driver_gone:
            return "driver_gone";
        case ScenarioAction::stats_stale:
            return "stats_stale";
        case ScenarioAction::set_parameter:
            return "set_parameter";
    }
    return "unknown";
}

}  // namespace ballast
