#include "controller/http/audit.h"

#include <fmt/format.h>

#include "base/log.h"

namespace ballast {
namespace {

std::string as_json(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string audit_line(const Request& request, std::string_view change, const Json& object,
                       const Change& values) {
    std::string line = "audit:";
    if (request.peer) line += fmt::format(" uid={} pid={}", request.peer->uid, request.peer->pid);
    line += fmt::format(" change={}", change);
    for (const auto& [name, value] : object.items())
        line += fmt::format(" {}={}", name, as_json(value));
    return line + fmt::format(" old={} new={}", as_json(values.before), as_json(values.after));
}

void audit(const Request& request, std::string_view change, const Json& object,
           const std::string& wanted, const Result<Change>& outcome) {
    if (outcome) {
        log::info("{}", audit_line(request, change, object, *outcome));
    } else if (outcome.error().code == Errc::timed_out) {
        log::info("{} outcome=unknown", audit_line(request, change, object, {"unknown", wanted}));
    }
}

}  // namespace ballast
