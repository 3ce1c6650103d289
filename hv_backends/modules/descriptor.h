// A module's description, checked before anything of it is called.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "hv_backends/module_abi.h"

namespace ballast {

// The first words of a module's description, which need nothing of its code. Pure. Errors: bad_data
// (no module's), unsupported (another version).
Result<void> check_identity(std::uint64_t magic, std::uint32_t version);

// Pure. Errors: unsupported (another version, or needs what this host has not), bad_data (not a
// module's description, or one that is incomplete); each says what was found and expected.
Result<void> check_descriptor(const ballast_backend_module& module);

using SettingValues = std::vector<std::pair<std::string, std::string>>;

// Every setting that the module understands, in its order: as given, else its default. Pure.
// Errors: invalid_argument, with every problem: unknown settings, missing ones, values out of
// range.
Result<SettingValues> settle_settings(const ballast_backend_module& module,
                                      const SettingValues& given);

}  // namespace ballast
