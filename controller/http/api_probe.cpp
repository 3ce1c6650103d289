// The part of the API about what readers pay.
#include "controller/http/api.h"
#include "controller/http/call.h"
#include "controller/http/json.h"
#include "controller/http/reply.h"

namespace ballast {

Response Api::probe(const Call& call) const {
    if (auto checked = call.only_parameters({}); !checked) return error_reply(checked.error());
    const ProbeReport report = probe_.report();
    Json choices = Json::array();
    for (const probe::Choice& choice : report.choices) choices.push_back(json_of(choice));
    const double finished =
        std::chrono::duration<double>(report.finished.time_since_epoch()).count();
    return json_reply({{"enabled", report.enabled},
                       {"problem", report.problem.empty() ? Json(nullptr) : Json(report.problem)},
                       {"surveys", report.surveys},
                       {"finished", report.surveys > 0 ? Json(finished) : Json(nullptr)},
                       {"experiments_kept", report.kept},
                       {"experiments_thrown_away", report.thrown_away},
                       {"cpu_seconds", std::chrono::duration<double>(report.cpu_time).count()},
                       {"findings", json_of(report.rows)},
                       {"choices", std::move(choices)}});
}

}  // namespace ballast
