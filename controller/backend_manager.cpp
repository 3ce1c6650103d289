#include "controller/backend_manager.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <future>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/units.h"
#include "modules/builtin.h"

namespace ballast {
namespace {

// Beside the time that a call into the backend may take.
constexpr Duration kCommandGrace = std::chrono::seconds(10);
constexpr Duration kRemovalPatience = std::chrono::seconds(10);
constexpr Duration kLookEvery = std::chrono::milliseconds(100);
// What two ticks may take beside their delays: a backend's calls have time limits of their own.
constexpr Duration kTickGrace = std::chrono::seconds(60);

}  // namespace

ModuleConfig module_config(const std::string& name, const Settings& settings) {
    const BackendSettings& backend = settings.backend;
    ModuleConfig config;
    config.text = settings.text;
    if (name != backend.name) return config;  // its defaults
    if (!backend.module_path.empty()) {
        config.settings = backend.module_settings;
    } else if (name == "libvirt") {
        const auto milliseconds = [](Duration span) {
            return std::to_string(
                std::chrono::duration_cast<std::chrono::milliseconds>(span).count());
        };
        config.settings = {{"uri", fmt::format("{}", fmt::join(backend.uris, " "))},
                           {"stats_period", std::to_string(backend.stats_period_s)},
                           {"reconnect_min_ms", milliseconds(backend.reconnect_min)},
                           {"reconnect_max_ms", milliseconds(backend.reconnect_max)}};
    }
    return config;
}

namespace {

Result<ModuleLease> load_module(ModuleRegistry& registry, const Settings& settings,
                                const std::string& name, const std::string& path) {
    const ModuleConfig config = module_config(name, settings);
    if (!path.empty()) return registry.load(name, path, config);
    const ballast_backend_module* const builtin = builtin_module(name);
    if (builtin == nullptr)
        return fail(Errc::not_found,
                    fmt::format("no built-in backend '{}'; known: libvirt, mock, pseries", name));
    return registry.load_builtin(name, *builtin, config);
}

}  // namespace

BackendManager::BackendManager(const Settings& settings, ModuleRegistry& registry,
                               BackendSlot& slot, Controller& controller, Loop& loop)
    : settings_(settings), registry_(registry), slot_(slot), controller_(controller), loop_(loop) {}

Result<void> BackendManager::load_configured(const Settings& settings, ModuleRegistry& registry,
                                             BackendSlot& slot) {
    auto lease =
        load_module(registry, settings, settings.backend.name, settings.backend.module_path);
    if (!lease) return Failure(lease.error());
    return slot.fill(std::move(*lease));
}

Result<void> BackendManager::on_loop(std::function<void()> command) {
    return loop_.call([command = std::move(command)](Controller&) { command(); },
                      settings_.backend.call_timeout + kCommandGrace);
}

// What the slot has, by the loop's own word; nullopt = nothing.
Result<std::optional<BackendManager::Handle>> BackendManager::in_charge() {
    // Shared: after a time-out the loop may still run the command.
    const auto found = std::make_shared<std::optional<Handle>>();
    auto asked = on_loop([this, found] { *found = slot_.handle(); });
    if (!asked) return Failure(asked.error());
    return *found;
}

std::vector<ModuleInfo> BackendManager::list() const {
    std::vector<ModuleInfo> all = registry_.list();
    for (ModuleInfo& info : all) info.in_charge = info.generation == slot_.generation_in_charge();
    return all;
}

// --- loading

Result<void> BackendManager::load(const std::string& name, const std::string& path) {
    const std::unique_lock changing(changing_, std::try_to_lock);
    if (!changing) return fail(Errc::busy, "another backend is being loaded or unloaded");
    const auto charged = in_charge();
    if (!charged) return Failure(charged.error());
    // Of this name: the one in charge, or one that stands by and makes room.
    const auto old = registry_.find(name);
    if (old && old->module->ref.permanent())
        return fail(Errc::refused, fmt::format("backend '{}' is locked down for good", name),
                    EPERM);
    auto lease = load_module(registry_, settings_, name, path);
    if (!lease) return Failure(lease.error());
    const bool replaces = *charged && old && (*charged)->generation == old->generation;
    if (replaces) return replace(*old, std::move(*lease));
    if (old) {
        if (auto removed = remove(*old); !removed) log::warn("{}", removed.error().message());
    }
    if (*charged) {
        log::info("backend '{}' is loaded and stands by", name);
        return {};
    }
    return take_charge(std::move(*lease));
}

Result<void> BackendManager::take_charge(ModuleLease lease) {
    const Handle fresh = ModuleRegistry::handle_of(lease);
    const auto shared = std::make_shared<ModuleLease>(std::move(lease));
    const auto filled = std::make_shared<Result<void>>();
    auto asked = on_loop([this, shared, filled] { *filled = slot_.fill(std::move(*shared)); });
    if (!asked && asked.error().code == Errc::timed_out) return asked;  // it may yet
    if (asked) asked = *filled;
    *shared = ModuleLease();
    if (!asked) static_cast<void>(remove(fresh));
    return asked;
}

Result<void> BackendManager::replace(const Handle& old, ModuleLease lease) {
    const Handle fresh = ModuleRegistry::handle_of(lease);
    struct Proposal {
        ModuleLease lease;
        std::promise<Result<void>> made;
    };
    const auto proposal = std::make_shared<Proposal>();
    proposal->lease = std::move(lease);
    std::future<Result<void>> outcome = proposal->made.get_future();
    const auto delay = std::make_shared<Duration>();
    auto asked = on_loop([this, proposal, delay] {
        *delay = controller_.delay();
        auto proposed = slot_.propose(std::move(proposal->lease), [proposal](Result<void> ended) {
            proposal->made.set_value(std::move(ended));
        });
        if (!proposed) proposal->made.set_value(std::move(proposed));
    });
    if (!asked && asked.error().code == Errc::timed_out) return asked;  // it may yet
    Result<void> replaced = asked;
    if (asked) {
        const auto ended = [&](Duration patience) {
            return outcome.wait_for(patience) == std::future_status::ready;
        };
        if (!ended(2 * *delay + kTickGrace)) {
            asked = on_loop([this] { slot_.withdraw(); });
            if (!ended(Duration{0}))
                return fail(Errc::timed_out, "the new backend has not ended its first tick yet");
        }
        replaced = outcome.get();
    }
    proposal->lease = ModuleLease();  // where it was never asked for
    // Whichever lost has no lease any more.
    if (auto removed = remove(replaced ? old : fresh); !removed) {
        log::warn("{}", removed.error().message());
        if (replaced) return with_context(removed.error(), "replaced; the old one stays");
    }
    return replaced;
}

Result<void> BackendManager::remove(const Handle& handle) {
    if (auto shut = registry_.shut(handle); !shut) return shut;
    return registry_.remove_when_unused(handle, kRemovalPatience);
}

// --- unloading

Result<void> BackendManager::unload(const UnloadRequest& request) {
    const std::unique_lock changing(changing_, std::try_to_lock);
    if (!changing) return fail(Errc::busy, "another backend is being loaded or unloaded");
    const auto handle = registry_.find(request.name);
    if (!handle) return Failure(handle.error());
    const bool charged = handle->generation == slot_.generation_in_charge();
    switch (request.mode) {
        case UnloadRequest::Mode::nonblock: {
            auto removed = registry_.remove_if_unused(*handle);
            if (!removed && charged)
                return with_context(removed.error(), "the control loop works with it");
            return removed;
        }
        case UnloadRequest::Mode::wait:
            return leave(*handle, request, charged);
        case UnloadRequest::Mode::force:
            return force(*handle, charged);
    }
    return {};
}

Result<void> BackendManager::leave(const Handle& handle, const UnloadRequest& request,
                                   bool charged) {
    if (auto shut = registry_.shut(handle); !shut) return shut;
    if (charged) {
        Result<void> returned = request.keep_loans ? Result<void>() : give_back(request);
        const bool leaving = returned.has_value();
        if (leaving) {
            returned = on_loop([this] {
                slot_.clear();
                controller_.evacuate(false);
            });
        }
        // One that is under way may still leave: then it must not come back.
        if (!returned && returned.error().code == Errc::timed_out && leaving) return returned;
        if (!returned) {
            static_cast<void>(on_loop([this] { controller_.evacuate(false); }));
            static_cast<void>(registry_.reopen(handle));
            return with_context(returned.error(), "the backend goes on");
        }
    }
    return registry_.remove_when_unused(handle, request.patience);
}

// Until every domain has what was lent since it came.
Result<void> BackendManager::give_back(const UnloadRequest& request) {
    const SystemClock clock;
    const Time deadline = clock.now() + request.patience;
    if (auto asked = on_loop([this] { controller_.evacuate(true); }); !asked) return asked;
    for (;;) {
        const auto left = std::make_shared<std::uint64_t>(0);
        if (auto asked = on_loop([this, left] { *left = controller_.lent_bytes(); }); !asked)
            return asked;
        if (*left == 0) return {};
        if (clock.now() >= deadline)
            return fail(Errc::timed_out,
                        fmt::format("{} are still lent after {}", format_size(*left),
                                    format_duration(request.patience)));
        std::this_thread::sleep_for(kLookEvery);
    }
}

Result<void> BackendManager::force(const Handle& handle, bool charged) {
    if (!settings_.backend.force_unload)
        return fail(Errc::refused,
                    "backends are forced out only where backend.force_unload is true", EPERM);
    if (auto shut = registry_.shut(handle); !shut) return shut;
    if (charged) {
        // It may hang in the backend: then the slot is cleared once it returns.
        slot_.forsake(handle.generation);
        auto asked = on_loop([this] { slot_.clear(); });
        if (!asked) log::warn("the control loop still works with it: {}", asked.error().message());
    }
    if (registry_.remove_when_unused(handle, Duration{0})) return {};
    return registry_.force_out(handle);
}

Result<void> BackendManager::lockdown(const std::string& name) {
    const std::unique_lock changing(changing_, std::try_to_lock);
    if (!changing) return fail(Errc::busy, "another backend is being loaded or unloaded");
    const auto handle = registry_.find(name);
    if (!handle) return Failure(handle.error());
    return registry_.make_permanent(*handle);
}

}  // namespace ballast
