// All backends that are loaded, and the only way to load, get and remove them.
//
// Follows load_module, try_module_get and delete_module of the two module-reference designs:
// unformed -> coming -> live -> going -> gone; the code goes when nobody uses it, and never before.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "hv_backends/modules/module.h"
#include "hv_backends/modules/notifier_chain.h"

namespace ballast {

class ModuleRegistry {
  public:
    struct Options {
        RefScheme scheme = RefScheme::automatic;
        std::string directory = {};  // that files are loaded from; see ModuleFile
        // Tries a file out elsewhere before it is mapped here; see try_module.
        std::function<Result<void>(const std::string& name, const std::string& path)> trial = {};
    };

    // `clock` outlives it.
    explicit ModuleRegistry(const Clock& clock, Options options);
    ModuleRegistry(const ModuleRegistry&) = delete;
    ModuleRegistry& operator=(const ModuleRegistry&) = delete;
    // Unmakes all modules, which nobody may use any more; those that somebody does are left alone.
    ~ModuleRegistry();

    NotifierChain& notifiers() noexcept { return notifiers_; }

    // Loads the file at `path` (or of that bare name in the directory), or the built-in `builtin`,
    // under `name`: maps it, checks it, makes its instance, and lets users in. Two of one name may
    // be loaded while one replaces the other; the newest live one is what lease(name) finds. Blocks
    // on files and on the trial. Errors: invalid_argument (name, settings), refused (vetoed), and
    // those of ModuleImage::open, the trial and ModuleBackend::create. After an error nothing is
    // left of it.
    Result<ModuleLease> load(const std::string& name, const std::string& path,
                             const ModuleConfig& config);
    Result<ModuleLease> load_builtin(const std::string& name, const ballast_backend_module& builtin,
                                     const ModuleConfig& config);

    // Any thread; short lock. Errors: not_found, busy (it is going).
    Result<ModuleLease> lease(const std::string& name);

    // --- Removal. Each names the module by a pointer from a lease that was given back, and its
    // generation; a block that is used otherwise by now answers not_found.
    struct Handle {
        Module* module = nullptr;
        std::uint64_t generation = 0;
    };
    // The newest of that name that is not gone. Errors: not_found.
    Result<Handle> find(const std::string& name);
    static Handle handle_of(const ModuleLease& lease) noexcept;

    // Removes it if nobody uses it, else changes nothing. Errors: refused
    // (EWOULDBLOCK, "in use by N"; EPERM, permanent), not_found.
    Result<void> remove_if_unused(const Handle& handle);
    // Lets no new users in: going. Errors: refused (permanent), not_found.
    Result<void> shut(const Handle& handle);
    // Takes shut() back: live again. Errors: not_found.
    Result<void> reopen(const Handle& handle);
    // After shut(): waits until the last user has left, and removes it. Errors: timed_out ("still
    // in use by N", it stays going), not_found.
    Result<void> remove_when_unused(const Handle& handle, Duration patience);
    // After shut(): gone for everybody who asks, though somebody uses it: its code and its instance
    // stay, and are never freed. Errors: not_found.
    Result<void> force_out(const Handle& handle);
    // Never to be removed; references cost nothing from now on. Errors: refused (it is not live),
    // not_found.
    Result<void> make_permanent(const Handle& handle);

    // All that are not gone, and those that were forced out. Any thread.
    std::vector<ModuleInfo> list() const;
    // Since the start: leases, loads, removals, and removals after which the code was still mapped.
    std::uint64_t leases() const noexcept { return leases_; }
    std::uint64_t loads() const noexcept { return loads_; }
    std::uint64_t removals() const noexcept { return removals_; }
    std::uint64_t still_mapped() const noexcept { return still_mapped_; }

  private:
    Result<ModuleLease> bring(const std::string& name, const std::string& path,
                              const ModuleConfig& config,
                              const std::function<Result<ModuleImage>()>& open);
    Module& free_block();
    bool is_current(const Handle& handle) const;
    void change(Module& module, ModuleState to);
    void unmake(Module& module);
    void finish(Module& module);

    const Clock& clock_;
    const Options options_;
    NotifierChain notifiers_;
    std::mutex removing_;           // one removal at a time; taken before lock_
    mutable std::mutex lock_;       // short
    std::mutex leaving_lock_;       // of left_ alone
    std::condition_variable left_;  // a module has lost its last user
    std::deque<Module> blocks_;     // guarded by lock_; never shrinks
    std::atomic<std::uint64_t> leases_{0};
    std::atomic<std::uint64_t> loads_{0};
    std::atomic<std::uint64_t> removals_{0};
    std::atomic<std::uint64_t> still_mapped_{0};
    std::uint64_t generations_ = 0;  // guarded by lock_
};

}  // namespace ballast
