#include "modules/builtin.h"

#include <array>

extern "C" {
extern const ballast_backend_module ballast_libvirt_module;
extern const ballast_backend_module ballast_mock_module;
extern const ballast_backend_module ballast_pseries_module;
}

namespace ballast {

std::span<const ballast_backend_module* const> builtin_modules() noexcept {
    static constexpr std::array<const ballast_backend_module*, 3> kAll{
        &ballast_libvirt_module, &ballast_mock_module, &ballast_pseries_module};
    return kAll;
}

const ballast_backend_module* builtin_module(std::string_view name) noexcept {
    for (const ballast_backend_module* const module : builtin_modules())
        if (name == module->name) return module;
    return nullptr;
}

}  // namespace ballast
