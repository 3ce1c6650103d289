// Loads, replaces and unloads backends while the control loop runs.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "config/settings.h"
#include "controller/backend_admin.h"
#include "controller/backend_slot.h"
#include "controller/loop.h"
#include "hv_backends/modules/registry.h"

namespace ballast {

// What the module that is called `name` is made with. Pure.
ModuleConfig module_config(const std::string& name, const Settings& settings);

class BackendManager final : public BackendAdmin {
  public:
    // All outlive it. The registry has no modules yet.
    BackendManager(const Settings& settings, ModuleRegistry& registry, BackendSlot& slot,
                   Controller& controller, Loop& loop);

    // Before the loop runs, on its thread: loads the configured backend and puts it in charge.
    static Result<void> load_configured(const Settings& settings, ModuleRegistry& registry,
                                        BackendSlot& slot);

    std::vector<ModuleInfo> list() const override;
    Counts counts() const override { return {registry_.loads(), registry_.removals()}; }
    Result<void> load(const std::string& name, const std::string& path) override;
    Result<void> unload(const UnloadRequest& request) override;
    Result<void> lockdown(const std::string& name) override;

  private:
    using Handle = ModuleRegistry::Handle;

    Result<void> on_loop(std::function<void()> command);
    Result<std::optional<Handle>> in_charge();
    Result<void> replace(const Handle& old, ModuleLease lease);
    Result<void> take_charge(ModuleLease lease);
    Result<void> remove(const Handle& handle);
    Result<void> leave(const Handle& handle, const UnloadRequest& request, bool charged);
    Result<void> give_back(const UnloadRequest& request);
    Result<void> force(const Handle& handle, bool charged);

    const Settings& settings_;
    ModuleRegistry& registry_;
    BackendSlot& slot_;
    Controller& controller_;
    Loop& loop_;
    std::mutex changing_;  // one load or unload at a time
};

}  // namespace ballast
