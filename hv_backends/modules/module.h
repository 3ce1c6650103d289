// One loaded backend: its code, its instance, its state and the count of its users.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/module_ref.h"
#include "hv_backends/modules/call_watch.h"
#include "hv_backends/modules/image.h"
#include "hv_backends/modules/module_backend.h"

namespace ballast {

// The life of a module. Only `live` ones can be got; what fails before that is never seen.
enum class ModuleState : std::uint8_t {
    unformed,  // a name, and nothing behind it yet
    coming,    // mapped and being made, isolated
    live,
    going,  // no new users; waits for the last, then is unmade
    gone,
};
// Stable, lower-case names, as the API shows them.
std::string_view to_string(ModuleState state) noexcept;

// What is known of a module, for people.
struct ModuleInfo {
    std::string name;
    std::string path;  // empty: built in
    std::string kind;  // what its description calls itself
    std::string description;
    std::string version;
    ModuleState state = ModuleState::unformed;
    std::int64_t users = 0;
    bool in_charge = false;  // the control loop works with it
    bool permanent = false;
    bool tainted = false;  // was forced out; its code stays mapped
    std::string_view scheme;
    RefFaults faults;
    std::uint64_t generation = 0;
    std::string running_call;  // a call that has not returned; empty = none
    Duration running_for{};
};

// Control block. The registry makes few, uses them again and never frees one: a stale pointer finds
// a count that refuses it.
struct Module {
    Module(const Clock& clock, ModuleRef::Options options)
        : ref(std::move(options)), watch(clock) {}

    ModuleRef ref;
    CallWatch watch;

    // What follows is guarded by the registry's lock; of a live module, it does not change.
    ModuleState state = ModuleState::unformed;
    std::uint64_t generation = 0;  // counts the uses of this block
    std::string name;
    std::string path;
    std::string kind;
    std::string version;
    bool tainted = false;
    ModuleImage image;
    std::unique_ptr<ModuleBackend> backend;
};

// A user of a live module: while it holds one, the code stays.
class ModuleLease {
  public:
    ModuleLease() = default;
    explicit operator bool() const noexcept { return static_cast<bool>(use_); }
    // Only while it holds one.
    Backend& backend() const noexcept { return *module_->backend; }
    const Module* module() const noexcept { return module_; }

  private:
    friend class ModuleRegistry;
    ModuleLease(Module& module, ModuleUse use) noexcept : module_(&module), use_(std::move(use)) {}

    Module* module_ = nullptr;
    ModuleUse use_;
};

}  // namespace ballast
