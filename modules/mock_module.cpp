#include "hv_backends/mock/mock_backend.h"
#include "hv_backends/modules/export_backend.h"
#include "modules/configured_scenario.h"
#include "modules/module_symbol.h"

namespace {

using namespace ballast;

Result<std::unique_ptr<Backend>> make(const ballast_config& config, const Clock& clock) {
    const auto scenario = configured_scenario(config);
    if (!scenario) return Failure(scenario.error());
    return make_mock_backend(*scenario, clock);
}

}  // namespace

extern "C" const ballast_backend_module BALLAST_MODULE_SYMBOL(mock);
extern "C" const ballast_backend_module BALLAST_MODULE_SYMBOL(mock) =
    ballast::exported_module<&make>("mock", "a scripted hypervisor", BALLAST_VERSION,
                                    BALLAST_FEATURE_SIMULATED | BALLAST_FEATURE_ADOPT, nullptr, 0);
