#include "hv_backends/modules/descriptor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "model/backend_name.h"

namespace ballast {
namespace {

constexpr std::uint64_t kKnownFeatures =
    BALLAST_FEATURE_SIMULATED | BALLAST_FEATURE_ADOPT | BALLAST_FEATURE_BOOKS;
constexpr std::uint64_t kMostSettings = 256;

Failure incomplete(std::string_view what) {
    return fail(Errc::bad_data, fmt::format("the module's description {}", what));
}

Result<void> check_settings(const ballast_backend_module& module) {
    if (module.setting_count > kMostSettings)
        return incomplete(fmt::format("has {} settings, expected at most {}", module.setting_count,
                                      kMostSettings));
    if (module.setting_count > 0 && module.settings == nullptr)
        return incomplete("lacks its settings");
    for (std::uint64_t i = 0; i < module.setting_count; ++i) {
        const ballast_setting_schema& setting = module.settings[i];
        if (setting.name == nullptr || !is_backend_name(setting.name))
            return incomplete(fmt::format("has a setting, number {}, without a proper name", i));
        if (setting.type < BALLAST_SETTING_TEXT || setting.type > BALLAST_SETTING_BOOLEAN)
            return incomplete(fmt::format("has a setting '{}' of type {}, expected 0 to 2",
                                          setting.name, setting.type));
        if (setting.minimum > setting.maximum)
            return incomplete(fmt::format("has a setting '{}' whose bounds are the wrong way round",
                                          setting.name));
    }
    return {};
}

// What is wrong with a value; nullopt = nothing.
std::optional<std::string> problem_with(const ballast_setting_schema& setting,
                                        const std::string& value) {
    if (setting.type == BALLAST_SETTING_BOOLEAN && value != "true" && value != "false")
        return fmt::format("'{}' is '{}', expected true or false", setting.name, value);
    if (setting.type != BALLAST_SETTING_INTEGER) return std::nullopt;
    std::int64_t number = 0;
    const char* const end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, number);
    if (error != std::errc() || stop != end)
        return fmt::format("'{}' is '{}', expected a whole number", setting.name, value);
    const bool bounded = setting.minimum != 0 || setting.maximum != 0;
    if (bounded && (number < setting.minimum || number > setting.maximum))
        return fmt::format("'{}' is {}, expected {} to {}", setting.name, value, setting.minimum,
                           setting.maximum);
    return std::nullopt;
}

}  // namespace

Result<void> check_identity(std::uint64_t magic, std::uint32_t version) {
    if (magic != BALLAST_MODULE_MAGIC)
        return fail(Errc::bad_data, fmt::format("its magic number is {:#x}, expected {:#x}: "
                                                "not a Ballast module",
                                                magic, BALLAST_MODULE_MAGIC));
    if (version != BALLAST_MODULE_VERSION)
        return fail(Errc::unsupported,
                    fmt::format("it is built for version {} of the module interface, expected {}",
                                version, BALLAST_MODULE_VERSION));
    return {};
}

Result<void> check_descriptor(const ballast_backend_module& module) {
    if (auto right = check_identity(module.magic, module.version); !right) return right;
    if (module.size < sizeof(ballast_backend_module))
        return incomplete(fmt::format("has {} bytes, expected at least {}", module.size,
                                      sizeof(ballast_backend_module)));
    if (module.needs != 0)
        return fail(
            Errc::unsupported,
            fmt::format("it needs features {:#x} that this program does not have", module.needs));
    if ((module.features & ~kKnownFeatures) != 0)
        return fail(Errc::unsupported,
                    fmt::format("it has features {:#x} that this program does not know",
                                module.features & ~kKnownFeatures));
    if (module.name == nullptr || !is_backend_name(module.name))
        return incomplete("lacks a proper name");
    if (module.description == nullptr || module.module_version == nullptr)
        return incomplete("lacks its description or its version");
    const std::pair<const char*, bool> functions[] = {
        {"create", module.create != nullptr},
        {"destroy", module.destroy != nullptr},
        {"capabilities", module.capabilities != nullptr},
        {"start", module.start != nullptr},
        {"stop", module.stop != nullptr},
        {"observe", module.observe != nullptr},
        {"apply", module.apply != nullptr},
        {"set_guest_tunables", module.set_guest_tunables != nullptr},
    };
    for (const auto& [name, there] : functions)
        if (!there) return incomplete(fmt::format("lacks the function '{}'", name));
    const bool simulated = (module.features & BALLAST_FEATURE_SIMULATED) != 0;
    if (simulated && (module.next_event_at_ns == nullptr || module.advance == nullptr))
        return incomplete("says that it is simulated, and lacks 'next_event_at_ns' or 'advance'");
    if ((module.features & BALLAST_FEATURE_ADOPT) != 0 && module.adopt == nullptr)
        return incomplete("says that it adopts loans, and lacks 'adopt'");
    if ((module.features & BALLAST_FEATURE_BOOKS) != 0 &&
        (module.carried_books == nullptr || module.keep_books == nullptr))
        return incomplete("says that it keeps books, and lacks 'carried_books' or 'keep_books'");
    return check_settings(module);
}

Result<SettingValues> settle_settings(const ballast_backend_module& module,
                                      const SettingValues& given) {
    std::vector<std::string> problems;
    std::vector<std::string_view> known;
    SettingValues settled;
    for (std::uint64_t i = 0; i < module.setting_count; ++i) {
        const ballast_setting_schema& setting = module.settings[i];
        known.emplace_back(setting.name);
        const auto found = std::find_if(given.begin(), given.end(), [&](const auto& entry) {
            return entry.first == setting.name;
        });
        if (found == given.end() && setting.default_value == nullptr) {
            problems.push_back(
                fmt::format("'{}' is missing: {}", setting.name,
                            setting.description == nullptr ? "no default" : setting.description));
            continue;
        }
        std::string value = found == given.end() ? setting.default_value : found->second;
        if (auto problem = problem_with(setting, value)) problems.push_back(std::move(*problem));
        settled.emplace_back(setting.name, std::move(value));
    }
    for (const auto& [name, value] : given)
        if (std::find(known.begin(), known.end(), name) == known.end())
            problems.push_back(fmt::format(
                "'{}' is unknown; known: {}", name,
                known.empty() ? std::string("none") : fmt::format("{}", fmt::join(known, ", "))));
    if (!problems.empty())
        return fail(Errc::invalid_argument, fmt::format("settings of module '{}': {}", module.name,
                                                        fmt::join(problems, "; ")));
    return settled;
}

}  // namespace ballast
