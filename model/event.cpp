#include "model/event.h"

namespace ballast {

std::string_view to_string(EventKind kind) noexcept {
    switch (kind) {
        case EventKind::domain_came:
            return "domain_came";
        case EventKind::domain_went:
            return "domain_went";
        case EventKind::domain_paused:
            return "domain_paused";
        case EventKind::domain_resumed:
            return "domain_resumed";
        case EventKind::oom:
            return "oom";
        case EventKind::balloon_changed:
            return "balloon_changed";
        case EventKind::hotplug_began:
            return "hotplug_began";
        case EventKind::hotplug_ended:
            return "hotplug_ended";
        case EventKind::hotplug_cancelled:
            return "hotplug_cancelled";
        case EventKind::migration_began:
            return "migration_began";
        case EventKind::migration_ended:
            return "migration_ended";
        case EventKind::backend_lost:
            return "backend_lost";
        case EventKind::backend_back:
            return "backend_back";
        case EventKind::guest_rebooted:
            return "guest_rebooted";
        case EventKind::page_migrated:
            return "page_migrated";
        case EventKind::move_failed:
            return "move_failed";
        case EventKind::set_by_others:
            return "set_by_others";
    }
    return "unknown";
}

}  // namespace ballast
