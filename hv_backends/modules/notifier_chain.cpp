#include "hv_backends/modules/notifier_chain.h"

namespace ballast {

std::uint64_t NotifierChain::add(Notifier notifier) {
    const std::lock_guard guard(lock_);
    notifiers_.emplace_back(++last_id_, std::move(notifier));
    return last_id_;
}

void NotifierChain::remove(std::uint64_t id) {
    const std::lock_guard guard(lock_);
    std::erase_if(notifiers_, [id](const auto& entry) { return entry.first == id; });
}

std::optional<std::string> NotifierChain::tell(const ModuleChange& change) {
    const std::lock_guard guard(lock_);
    for (std::size_t i = 0; i < notifiers_.size(); ++i) {
        auto veto = notifiers_[i].second(change);
        if (!veto || change.to != ModuleState::live) continue;
        ModuleChange undone = change;
        undone.from = ModuleState::live;
        undone.to = ModuleState::going;
        for (std::size_t told = 0; told < i; ++told) notifiers_[told].second(undone);
        return veto;
    }
    return std::nullopt;
}

}  // namespace ballast
