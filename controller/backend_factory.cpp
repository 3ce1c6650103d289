#include "controller/backend_factory.h"

#include <fmt/format.h>

#include "hv_backends/mock/mock_backend.h"
#include "hv_backends/pseries/pseries_backend.h"
#include "hv_backends/workload/workload_backend.h"

namespace ballast {

Result<std::unique_ptr<Backend>> make_backend(const Settings& settings, const Clock& clock) {
    const BackendSettings& backend = settings.backend;
    if (!settings.scenario) {
        return fail(Errc::invalid_argument,
                    fmt::format("backend '{}' needs a scenario, found none", backend.name));
    }
    if (backend.name == "mock") return make_mock_backend(*settings.scenario, clock);
    if (backend.name == "workload") return make_workload_backend(*settings.scenario, clock);
    if (backend.name == "pseries") return make_pseries_backend(*settings.scenario, clock);
    return fail(
        Errc::invalid_argument,
        fmt::format("no simulated backend '{}'; known: pseries, mock, workload", backend.name));
}

}  // namespace ballast
