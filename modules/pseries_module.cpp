#include "hv_backends/modules/export_backend.h"
#include "hv_backends/pseries/pseries_backend.h"
#include "modules/configured_scenario.h"
#include "modules/module_symbol.h"

namespace {

using namespace ballast;

Result<std::unique_ptr<Backend>> make(const ballast_config& config, const Clock& clock) {
    const auto scenario = configured_scenario(config);
    if (!scenario) return Failure(scenario.error());
    return make_pseries_backend(*scenario, clock);
}

}  // namespace

extern "C" const ballast_backend_module BALLAST_MODULE_SYMBOL(pseries);
extern "C" const ballast_backend_module BALLAST_MODULE_SYMBOL(pseries) =
    ballast::exported_module<&make>(
        "pseries", "a simulated hypervisor with a memory pool, hcalls and partitions",
        BALLAST_VERSION, BALLAST_FEATURE_SIMULATED | BALLAST_FEATURE_ADOPT, nullptr, 0);
