// Readers that count themselves.
#pragma once

#include <atomic>

#include "base/exchange.h"
#include "base/module_ref.h"
#include "probe/scheme_of.h"
#include "probe/srcu.h"

namespace ballast::probe {

// One count that all share, as the kernel's atomic_inc and atomic_dec.
class RefCount {
  public:
    NoToken lock(unsigned) {
        count_.fetch_add(1, std::memory_order_acquire);
        return {};
    }
    void unlock(unsigned, NoToken) { count_.fetch_sub(1, std::memory_order_release); }
    // The base reference that a remover drops, and takes again.
    void update() {
        count_.fetch_sub(1, std::memory_order_acq_rel);
        count_.fetch_add(1, std::memory_order_acq_rel);
    }

  private:
    alignas(128) std::atomic<std::int64_t> count_{1};
};

// What protects a backend module, in one of its kinds.
template <RefScheme scheme>
class ModuleReference {
  public:
    ModuleReference() { ref_.open(); }
    static bool supported() { return ModuleRef({.scheme = scheme}).scheme() == scheme; }
    // An open count refuses nobody.
    bool lock(unsigned) { return ref_.try_get(); }
    void unlock(unsigned, bool got) {
        if (got) ref_.put();
    }
    void update() {
        ref_.try_remove();
        ref_.open();
    }

  private:
    ModuleRef ref_{{.scheme = scheme}};
};

template <SrcuReaders readers>
class SrcuReference {
  public:
    static bool supported() { return Srcu<readers>::supported(); }
    std::uint32_t lock(unsigned) { return srcu_.read_lock(); }
    void unlock(unsigned, std::uint32_t index) { srcu_.read_unlock(index); }
    void update() { srcu_.synchronize(); }

  private:
    Srcu<readers> srcu_;
};

// How the daemon publishes what a tick decided, its readers counted in one of the ways there are.
template <RefScheme scheme>
class SnapshotReference {
  public:
    SnapshotReference() { update(); }
    static bool supported() { return ModuleReference<scheme>::supported(); }
    Exchange<std::uint64_t>::Handle lock(unsigned) { return exchange_.latest(); }
    void unlock(unsigned, Exchange<std::uint64_t>::Handle) {}
    void update() {
        std::uint64_t* const value = exchange_.begin();
        if (value == nullptr) return;
        ++*value;
        exchange_.publish();
    }

  private:
    Exchange<std::uint64_t> exchange_{scheme};
};

}  // namespace ballast::probe
