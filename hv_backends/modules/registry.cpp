#include "hv_backends/modules/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "base/units.h"
#include "model/backend_name.h"

namespace ballast {
namespace {

Failure unknown(const std::string& name) {
    return fail(Errc::not_found, fmt::format("no backend '{}' is loaded", name));
}

Failure outdated() {
    return fail(Errc::not_found, "this backend is gone already");
}

Failure locked_down(const std::string& name) {
    return fail(Errc::refused, fmt::format("backend '{}' is locked down for good", name), EPERM);
}

std::string users_text(std::int64_t users) {
    return users < 0 ? std::string("more references were given back than taken")
                     : fmt::format("in use by {}", users);
}

}  // namespace

std::string_view to_string(ModuleState state) noexcept {
    switch (state) {
        case ModuleState::unformed:
            return "unformed";
        case ModuleState::coming:
            return "coming";
        case ModuleState::live:
            return "live";
        case ModuleState::going:
            return "going";
        case ModuleState::gone:
            return "gone";
    }
    return "unknown";
}

ModuleRegistry::ModuleRegistry(const Clock& clock, Options options)
    : clock_(clock), options_(std::move(options)) {}

ModuleRegistry::~ModuleRegistry() {
    for (Module& module : blocks_) {
        const bool made = module.state == ModuleState::live || module.state == ModuleState::going;
        if (!made || module.tainted) continue;
        if (module.ref.permanent() || module.ref.shut().removed()) {
            unmake(module);
        } else {
            module.backend.release();  // somebody still uses it: better a leak than a crash
            module.image.abandon();
        }
    }
}

// --- loading

Module& ModuleRegistry::free_block() {
    for (Module& module : blocks_) {
        const bool free =
            module.state == ModuleState::unformed || module.state == ModuleState::gone;
        if (free && !module.tainted) return module;
    }
    return blocks_.emplace_back(
        clock_, ModuleRef::Options{.scheme = options_.scheme, .on_unused = [this] {
                                       { const std::lock_guard guard(leaving_lock_); }
                                       left_.notify_all();
                                   }});
}

void ModuleRegistry::change(Module& module, ModuleState to) {
    ModuleChange told;
    {
        const std::lock_guard guard(lock_);
        told = {module.name, module.generation, std::exchange(module.state, to), to};
    }
    notifiers_.tell(told);
}

Result<ModuleLease> ModuleRegistry::bring(const std::string& name, const std::string& path,
                                          const ModuleConfig& config,
                                          const std::function<Result<ModuleImage>()>& open) {
    if (!is_backend_name(name))
        return fail(Errc::invalid_argument,
                    fmt::format("'{}' is no name for a backend: expected a lower-case letter, then "
                                "those, digits, '_' or '-', at most 31",
                                name));
    Module* block = nullptr;
    {
        const std::lock_guard guard(lock_);
        for (const Module& other : blocks_)
            if (other.name == name && other.state == ModuleState::coming)
                return fail(Errc::busy, fmt::format("backend '{}' is being loaded", name));
        block = &free_block();
        block->name = name;
        block->path = path;
        block->kind.clear();
        block->version.clear();
        block->generation = ++generations_;
        block->state = ModuleState::unformed;
    }
    Module& module = *block;
    change(module, ModuleState::coming);
    const auto undo = [&](const Error& error) -> Failure {
        change(module, ModuleState::going);
        unmake(module);
        change(module, ModuleState::gone);
        return with_context(error, fmt::format("loading backend '{}'", name));
    };

    if (!path.empty() && options_.trial) {
        if (auto tried = options_.trial(name, path); !tried) return undo(tried.error());
    }
    auto image = open();
    if (!image) return undo(image.error());
    module.image = std::move(*image);
    ModuleConfig named = config;
    named.name = name;
    auto backend = ModuleBackend::create(module.image.module(), named, clock_, module.watch);
    if (!backend) return undo(backend.error());

    ModuleChange told;
    {
        const std::lock_guard guard(lock_);
        module.kind = module.image.module().name;
        module.version = module.image.module().module_version;
        module.backend = std::move(*backend);
        told = {name, module.generation, ModuleState::coming, ModuleState::live};
    }
    // Who says no must do so before anybody can get it.
    if (auto veto = notifiers_.tell(told)) return undo({Errc::refused, "not wanted: " + *veto, 0});
    {
        const std::lock_guard guard(lock_);
        module.state = ModuleState::live;
        module.ref.open();
    }
    ++loads_;
    leases_.fetch_add(1, std::memory_order_relaxed);
    return ModuleLease(module, ModuleUse(module.ref));
}

Result<ModuleLease> ModuleRegistry::load(const std::string& name, const std::string& path,
                                         const ModuleConfig& config) {
    const ModuleFile file{options_.directory, full_path({options_.directory, path})};
    return bring(name, file.path, config, [&] { return ModuleImage::open(file, name); });
}

Result<ModuleLease> ModuleRegistry::load_builtin(const std::string& name,
                                                 const ballast_backend_module& builtin,
                                                 const ModuleConfig& config) {
    return bring(name, "", config,
                 [&]() -> Result<ModuleImage> { return ModuleImage::builtin(builtin); });
}

// --- users

Result<ModuleLease> ModuleRegistry::lease(const std::string& name) {
    const std::lock_guard guard(lock_);
    Module* newest = nullptr;
    bool going = false;
    for (Module& module : blocks_) {
        if (module.name != name) continue;
        going = going || module.state == ModuleState::going;
        if (module.state != ModuleState::live) continue;
        if (newest == nullptr || module.generation > newest->generation) newest = &module;
    }
    if (newest == nullptr && going)
        return fail(Errc::busy, fmt::format("backend '{}' is going", name));
    if (newest == nullptr) return unknown(name);
    ModuleUse use(newest->ref);
    if (!use) return fail(Errc::busy, fmt::format("backend '{}' takes no more users", name));
    leases_.fetch_add(1, std::memory_order_relaxed);
    return ModuleLease(*newest, std::move(use));
}

ModuleRegistry::Handle ModuleRegistry::handle_of(const ModuleLease& lease) noexcept {
    return {lease.module_, lease.module_->generation};
}

Result<ModuleRegistry::Handle> ModuleRegistry::find(const std::string& name) {
    const std::lock_guard guard(lock_);
    Handle found;
    for (Module& module : blocks_) {
        const bool there = module.state == ModuleState::live || module.state == ModuleState::going;
        if (module.name == name && there && module.generation > found.generation)
            found = {&module, module.generation};
    }
    if (found.module == nullptr) return unknown(name);
    return found;
}

// --- removal

bool ModuleRegistry::is_current(const Handle& handle) const {
    const std::lock_guard guard(lock_);
    return handle.module->generation == handle.generation &&
           (handle.module->state == ModuleState::live ||
            handle.module->state == ModuleState::going);
}

void ModuleRegistry::unmake(Module& module) {
    std::unique_ptr<ModuleBackend> backend;
    {
        const std::lock_guard guard(lock_);
        backend = std::move(module.backend);
    }
    backend.reset();
    const bool unmapped = module.image.is_builtin() || module.image.close();
    if (unmapped) return;
    ++still_mapped_;
    log::warn("backend '{}': its code stays mapped; something in this process still refers to it",
              module.name);
}

Result<void> ModuleRegistry::remove_if_unused(const Handle& handle) {
    const std::lock_guard removing(removing_);
    if (!is_current(handle)) return outdated();
    Module& module = *handle.module;
    const Removal removal = module.ref.try_remove();
    if (removal.outcome == Removal::Outcome::permanent) return locked_down(module.name);
    if (!removal.removed())
        return fail(Errc::refused,
                    fmt::format("backend '{}' is {}", module.name, users_text(removal.users)),
                    EWOULDBLOCK);
    finish(module);
    return {};
}

Result<void> ModuleRegistry::shut(const Handle& handle) {
    const std::lock_guard removing(removing_);
    if (!is_current(handle)) return outdated();
    Module& module = *handle.module;
    if (module.ref.shut().outcome == Removal::Outcome::permanent) return locked_down(module.name);
    change(module, ModuleState::going);
    return {};
}

Result<void> ModuleRegistry::reopen(const Handle& handle) {
    const std::lock_guard removing(removing_);
    if (!is_current(handle)) return outdated();
    change(*handle.module, ModuleState::live);
    handle.module->ref.open();
    return {};
}

Result<void> ModuleRegistry::remove_when_unused(const Handle& handle, Duration patience) {
    if (!is_current(handle)) return outdated();
    Module& module = *handle.module;
    Removal removal;
    {
        std::unique_lock waiting(leaving_lock_);
        left_.wait_for(waiting, patience, [&] {
            removal = module.ref.settle();
            return removal.outcome != Removal::Outcome::in_use;
        });
    }
    if (!removal.removed())
        return fail(Errc::timed_out,
                    fmt::format("backend '{}' is still {} after {}", module.name,
                                users_text(removal.users), format_duration(patience)));
    const std::lock_guard removing(removing_);
    if (!is_current(handle)) return outdated();
    finish(module);
    return {};
}

// Nobody uses it and nobody can: unmakes it.
void ModuleRegistry::finish(Module& module) {
    if (module.state == ModuleState::live) change(module, ModuleState::going);
    unmake(module);
    ++removals_;
    change(module, ModuleState::gone);
}

Result<void> ModuleRegistry::force_out(const Handle& handle) {
    const std::lock_guard removing(removing_);
    if (!is_current(handle)) return outdated();
    Module& module = *handle.module;
    if (module.ref.shut().outcome == Removal::Outcome::permanent) return locked_down(module.name);
    {
        const std::lock_guard guard(lock_);
        module.tainted = true;  // so that its block is never used again
    }
    log::warn("backend '{}' was forced out while {}; its code stays mapped", module.name,
              users_text(module.ref.users()));
    ++removals_;
    change(module, ModuleState::gone);
    return {};
}

Result<void> ModuleRegistry::make_permanent(const Handle& handle) {
    const std::lock_guard removing(removing_);
    if (!is_current(handle)) return outdated();
    if (!handle.module->ref.make_permanent())
        return fail(Errc::refused, fmt::format("backend '{}' is not live", handle.module->name));
    return {};
}

std::vector<ModuleInfo> ModuleRegistry::list() const {
    const std::lock_guard guard(lock_);
    std::vector<ModuleInfo> all;
    for (const Module& module : blocks_) {
        const bool there = module.state != ModuleState::unformed &&
                           (module.state != ModuleState::gone || module.tainted);
        if (!there) continue;
        ModuleInfo info;
        info.name = module.name;
        info.path = module.path;
        info.kind = module.kind;
        info.version = module.version;
        info.state = module.state;
        info.users = module.ref.users();
        info.permanent = module.ref.permanent();
        info.tainted = module.tainted;
        info.scheme = to_string(module.ref.scheme());
        info.faults = module.ref.faults();
        info.generation = module.generation;
        if (module.backend != nullptr && module.state != ModuleState::coming)
            info.description = module.backend->capabilities().description;
        if (const auto running = module.watch.running()) {
            info.running_call = running->call;
            info.running_for = running->lasts;
        }
        all.push_back(std::move(info));
    }
    std::sort(all.begin(), all.end(), [](const ModuleInfo& a, const ModuleInfo& b) {
        return a.name != b.name ? a.name < b.name : a.generation < b.generation;
    });
    return all;
}

}  // namespace ballast
