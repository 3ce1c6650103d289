#include <fmt/format.h>

#include <algorithm>
#include <shared_mutex>

#include "probe/schemes/asymmetric.h"
#include "probe/schemes/counts.h"
#include "probe/schemes/locks.h"
#include "probe/schemes/urcu.h"
#include "probe/schemes/values.h"

namespace ballast::probe {
namespace {

template <class Lock>
Result<std::unique_ptr<Scheme>> make_if_supported(const Clock& clock) {
    if (!Lock::supported())
        return fail(Errc::unsupported, "this kernel or build has no restartable sequences");
    return make_scheme<Lock>(clock);
}

template <class Lock>
Result<std::unique_ptr<Scheme>> make_with_membarrier(const Clock& clock) {
    if (!Lock::supported()) return fail(Errc::unsupported, "this kernel has no membarrier");
    return make_scheme<Lock>(clock);
}

Result<std::unique_ptr<Scheme>> make_clock(const Clock& clock) {
    return std::make_unique<SchemeOf<WallClock>>(clock);
}

constexpr Traits plain{};
constexpr Traits registered{.keeps_object = true};
constexpr Traits registered_sleeper{.may_sleep = true, .keeps_object = true};
constexpr Traits unregistered{.any_thread = true, .keeps_object = true};
constexpr Traits sleeper{.may_sleep = true, .any_thread = true, .keeps_object = true};
constexpr Traits counted{
    .may_sleep = true, .any_thread = true, .long_holds = true, .keeps_object = true};

constexpr std::string_view grace_period = "a grace period";
constexpr std::string_view removal = "a removal's decision";
constexpr std::string_view publication = "a publication";
constexpr std::string_view write_lock = "a lock for writing";

}  // namespace

const std::vector<ScaleType>& scale_types() {
    static const std::vector<ScaleType> types{
        {"empty", "the loop alone", "", plain, make_scheme<Nothing>},
        {"rcu", "liburcu, membarrier flavour", grace_period, registered, make_rcu_memb},
        {"rcu-qsbr", "liburcu, quiescent states", grace_period, registered, make_rcu_qsbr},
        {"rcu-mb", "liburcu, memory barriers", grace_period, registered, make_rcu_mb},
        {"rcu-bp", "liburcu, bulletproof: registers by itself", grace_period, unregistered,
         make_rcu_bp},
        {"rcu-tasks", "empty markers", "", plain, make_scheme<Nothing>},
        {"rcu-trace", "a nesting count for each reader", grace_period, registered_sleeper,
         make_with_membarrier<TasksTrace>},
        {"srcu", "sleepable RCU, atomic counts per CPU", grace_period, sleeper,
         make_scheme<SrcuReference<SrcuReaders::fenced>>},
        {"srcu-fast", "sleepable RCU, restartable sequences", grace_period, sleeper,
         make_if_supported<SrcuReference<SrcuReaders::fast>>},
        {"hazptr", "hazard pointers with membarrier", "an exchange and a scan", registered_sleeper,
         make_with_membarrier<HazardPointers>},
        {"percpu-ref", "module references, counts per CPU", removal, counted,
         make_if_supported<ModuleReference<RefScheme::percpu>>},
        {"perthread-ref", "module references, counts per thread", removal, counted,
         make_with_membarrier<ModuleReference<RefScheme::perthread>>},
        {"atomic-ref", "module references, one count", removal, counted,
         make_scheme<ModuleReference<RefScheme::atomic>>},
        {"snapshot", "how the daemon publishes its state, one count", publication, counted,
         make_scheme<SnapshotReference<RefScheme::atomic>>},
        {"snapshot-percpu", "the same with counts per CPU", publication, counted,
         make_if_supported<SnapshotReference<RefScheme::percpu>>},
        {"snapshot-perthread", "the same with counts per thread", publication, counted,
         make_with_membarrier<SnapshotReference<RefScheme::perthread>>},
        {"refcnt", "one atomic count", "a drop of the base reference", counted,
         make_scheme<RefCount>},
        {"seqlock", "sequence lock: reads again", "a write", plain, make_scheme<SeqLock>},
        {"rwlock", "pthread_rwlock", write_lock, sleeper, make_scheme<RwLock>},
        {"rwsem", "sleeping reader-writer semaphore", write_lock, sleeper,
         make_scheme<SharedLock<RwSemaphore>>},
        {"shared_mutex", "std::shared_mutex", write_lock, sleeper,
         make_scheme<SharedLock<std::shared_mutex>>},
        {"lock", "std::mutex", "a lock", sleeper, make_scheme<Mutex>},
        {"shared_ptr", "a copy of a std::shared_ptr", "", counted, make_scheme<SharedPointer>},
        {"atomic_shared_ptr", "std::atomic<std::shared_ptr>", "a store", counted,
         make_scheme<AtomicSharedPointer>},
        {"clock", "a reading of the wall clock", "", plain, make_clock},
    };
    return types;
}

const ScaleType* find_scale_type(std::string_view name) {
    const auto& types = scale_types();
    const auto found = std::find_if(types.begin(), types.end(),
                                    [&](const ScaleType& type) { return type.name == name; });
    return found == types.end() ? nullptr : &*found;
}

}  // namespace ballast::probe
