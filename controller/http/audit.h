// Who changed what: one line in the log for each change that was accepted.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "controller/http/control.h"
#include "controller/http/json.h"
#include "controller/http/message.h"

namespace ballast {

// `audit: uid=1000 pid=4711 change=set_attribute domain="db-1" attribute="oom_kb" old="0"
// new="64"`. `object` is a map; its texts, and the values, are written as JSON. Pure.
std::string audit_line(const Request& request, std::string_view change, const Json& object,
                       const Change& values);

// Logs what was done, and what may still be done: a call that timed out under way has unknown
// values before it and `wanted` after it. Logs nothing that was refused. Any thread.
void audit(const Request& request, std::string_view change, const Json& object,
           const std::string& wanted, const Result<Change>& outcome);

}  // namespace ballast
