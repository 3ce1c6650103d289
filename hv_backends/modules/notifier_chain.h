// Tells others of each change of a module's state.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hv_backends/modules/module.h"

namespace ballast {

struct ModuleChange {
    std::string name;
    std::uint64_t generation = 0;
    ModuleState from = ModuleState::unformed;
    ModuleState to = ModuleState::unformed;
};

class NotifierChain {
  public:
    // Answers why not, to veto `live`; other answers are not listened to. Runs on the thread that
    // changes the state; may not change modules itself.
    using Notifier = std::function<std::optional<std::string>(const ModuleChange&)>;

    // Any thread. Called in the order in which they were added. The answer removes it.
    std::uint64_t add(Notifier notifier);
    void remove(std::uint64_t id);

    // Tells all. A veto of `live` ends it: those who had agreed are told `going`, and the veto's
    // reason is answered.
    std::optional<std::string> tell(const ModuleChange& change);

  private:
    std::mutex lock_;
    std::uint64_t last_id_ = 0;
    std::vector<std::pair<std::uint64_t, Notifier>> notifiers_;
};

}  // namespace ballast
