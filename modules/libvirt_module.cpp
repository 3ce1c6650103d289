#include <string>

#include "hv_backends/libvirt/connections.h"
#include "hv_backends/modules/export_backend.h"
#include "modules/module_symbol.h"

namespace {

using namespace ballast;

constexpr ballast_setting_schema kSettings[] = {
    {"uri", "libvirt's connections, separated by blanks or line ends", "qemu:///system",
     BALLAST_SETTING_TEXT, 0, 0},
    {"stats_period", "seconds between a guest's statistics", "1", BALLAST_SETTING_INTEGER, 1, 3600},
    {"reconnect_min_ms", "least wait before a lost connection is tried again", "1000",
     BALLAST_SETTING_INTEGER, 1, 86'400'000},
    {"reconnect_max_ms", "longest such wait", "30000", BALLAST_SETTING_INTEGER, 1, 86'400'000},
};

Result<std::unique_ptr<Backend>> make(const ballast_config& config, const Clock& clock) {
    // The host has held the numbers to the bounds above.
    const auto number = [&](const char* name) { return std::stoll(setting_of(config, name)); };
    return make_libvirt_backend_for(
        setting_of(config, "uri"),
        {.stats_period_s = static_cast<std::uint32_t>(number("stats_period")),
         .reconnect_min = std::chrono::milliseconds(number("reconnect_min_ms")),
         .reconnect_max = std::chrono::milliseconds(number("reconnect_max_ms"))},
        clock);
}

}  // namespace

extern "C" const ballast_backend_module BALLAST_MODULE_SYMBOL(libvirt);
extern "C" const ballast_backend_module BALLAST_MODULE_SYMBOL(libvirt) =
    ballast::exported_module<&make>("libvirt", "virtio balloons of libvirt's domains",
                                    BALLAST_VERSION, BALLAST_FEATURE_BOOKS, kSettings,
                                    std::size(kSettings));
