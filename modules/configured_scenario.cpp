#include "modules/configured_scenario.h"

#include <string_view>
#include <variant>

#include "config/config.h"

namespace ballast {

Result<Scenario> configured_scenario(const ballast_config& config) {
    const auto loaded = parse_config({config.text, config.text_size}, "configuration");
    const auto* const settings = std::get_if<Settings>(&loaded);
    if (settings == nullptr)
        return fail(Errc::invalid_argument, std::get<ConfigProblems>(loaded).text());
    if (!settings->scenario)
        return fail(Errc::invalid_argument, "a simulated backend needs a scenario, found none");
    return *settings->scenario;
}

}  // namespace ballast
