// Readers that lock, each in memory that all share.
#pragma once

#include <pthread.h>

#include <mutex>
#include <shared_mutex>

#include "probe/rw_semaphore.h"
#include "probe/scheme_of.h"

namespace ballast::probe {

class RwLock {
  public:
    RwLock() { pthread_rwlock_init(&lock_, nullptr); }
    RwLock(const RwLock&) = delete;
    RwLock& operator=(const RwLock&) = delete;
    ~RwLock() { pthread_rwlock_destroy(&lock_); }
    NoToken lock(unsigned) {
        pthread_rwlock_rdlock(&lock_);
        return {};
    }
    void unlock(unsigned, NoToken) { pthread_rwlock_unlock(&lock_); }
    void update() {
        pthread_rwlock_wrlock(&lock_);
        pthread_rwlock_unlock(&lock_);
    }

  private:
    pthread_rwlock_t lock_{};
};

// Any of the standard library's shape.
template <class Shared>
class SharedLock {
  public:
    NoToken lock(unsigned) {
        lock_.lock_shared();
        return {};
    }
    void unlock(unsigned, NoToken) { lock_.unlock_shared(); }
    void update() {
        lock_.lock();
        lock_.unlock();
    }

  private:
    Shared lock_;
};

class Mutex {
  public:
    NoToken lock(unsigned) {
        mutex_.lock();
        return {};
    }
    void unlock(unsigned, NoToken) { mutex_.unlock(); }
    void update() {
        mutex_.lock();
        mutex_.unlock();
    }

  private:
    std::mutex mutex_;
};

}  // namespace ballast::probe
