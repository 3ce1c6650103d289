#include <string_view>
#include <variant>

#include "config/config.h"
#include "hv_backends/mock/mock_backend.h"
#include "hv_backends/modules/export_backend.h"
#include "modules/module_symbol.h"

namespace {

using namespace ballast;

Result<std::unique_ptr<Backend>> make(const ballast_config& config, const Clock& clock) {
    const auto loaded = parse_config({config.text, config.text_size}, "configuration");
    const auto* const settings = std::get_if<Settings>(&loaded);
    if (settings == nullptr)
        return fail(Errc::invalid_argument, std::get<ConfigProblems>(loaded).text());
    if (!settings->scenario)
        return fail(Errc::invalid_argument, "backend 'mock' needs a scenario, found none");
    return make_mock_backend(*settings->scenario, clock);
}

}  // namespace

extern "C" const ballast_backend_module BALLAST_MODULE_SYMBOL(mock);
extern "C" const ballast_backend_module BALLAST_MODULE_SYMBOL(mock) =
    ballast::exported_module<&make>("mock", "a scripted hypervisor", BALLAST_VERSION,
                                    BALLAST_FEATURE_SIMULATED | BALLAST_FEATURE_ADOPT, nullptr, 0);
