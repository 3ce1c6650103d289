// Hands the newest Snapshot to any number of readers without ever making the loop wait.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/exchange.h"
#include "model/snapshot.h"

namespace ballast {

// An Exchange that counts its use: which scheme is the cheapest depends on it.
class SnapshotExchange : private Exchange<Snapshot> {
  public:
    using Exchange::begin;
    using Exchange::Exchange;
    using Exchange::Handle;
    using Exchange::scheme;
    using Exchange::skipped;

    // As Exchange.
    Handle latest() const noexcept {
        reads_.fetch_add(1, std::memory_order_relaxed);
        return Exchange::latest();
    }
    void publish() noexcept {
        Exchange::publish();
        publications_.fetch_add(1, std::memory_order_relaxed);
    }

    // Since it was made. Any thread.
    std::uint64_t reads() const noexcept { return reads_.load(std::memory_order_relaxed); }
    std::uint64_t publications() const noexcept {
        return publications_.load(std::memory_order_relaxed);
    }

  private:
    mutable std::atomic<std::uint64_t> reads_{0};
    std::atomic<std::uint64_t> publications_{0};
};

}  // namespace ballast
