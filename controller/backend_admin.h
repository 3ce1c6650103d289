// What operators ask about backends. Abstract so that the API can be tested without a loop.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "hv_backends/modules/module.h"

namespace ballast {

struct UnloadRequest {
    enum class Mode {
        nonblock,  // only if nobody uses it
        wait,      // returns the loans, waits for the last user
        force,     // under its users; where backend.force_unload allows it
    };
    std::string name;
    Mode mode = Mode::wait;
    Duration patience = std::chrono::minutes(1);  // wait: for the loans, and again for the users
    bool keep_loans = false;  // wait: leave what is lent to the backend that comes next
};

// Any thread; calls block, load and unload for as long as they take. Errors: busy (another load or
// unload runs; in use), and those of ModuleRegistry and BackendSlot.
class BackendAdmin {
  public:
    virtual ~BackendAdmin() = default;
    virtual std::vector<ModuleInfo> list() const = 0;
    // Of all backends since the start.
    struct Counts {
        std::uint64_t loads = 0;
        std::uint64_t unloads = 0;
    };
    virtual Counts counts() const = 0;
    // Loads the file at `path` (empty: the built-in of that name). Where the backend in charge has
    // this name, the new one takes its place between two ticks and the old one is unloaded; where
    // none is in charge, it takes charge; else it stands by.
    virtual Result<void> load(const std::string& name, const std::string& path) = 0;
    virtual Result<void> unload(const UnloadRequest& request) = 0;
    // Never to be unloaded.
    virtual Result<void> lockdown(const std::string& name) = 0;
};

}  // namespace ballast
