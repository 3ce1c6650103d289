#include "controller/snapshot_exchange.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

using namespace ballast;

TEST_CASE("before the first publication there is nothing to read") {
    const SnapshotExchange exchange;
    CHECK_FALSE(exchange.latest());
}

TEST_CASE("a held snapshot does not change while newer ones are published") {
    SnapshotExchange exchange;
    exchange.begin()->tick.number = 1;
    exchange.publish();
    const auto held = exchange.latest();
    for (std::uint64_t i = 2; i < 100; ++i) {
        exchange.begin()->tick.number = i;
        exchange.publish();
    }
    CHECK(held->tick.number == 1);
    CHECK(exchange.latest()->tick.number == 99);
}

TEST_CASE("readers that hold every slot cost a publication, never a wait") {
    SnapshotExchange exchange;
    std::vector<SnapshotExchange::Handle> held;
    while (Snapshot* slot = exchange.begin()) {
        slot->tick.number = held.size();
        exchange.publish();
        held.push_back(exchange.latest());
    }
    CHECK(exchange.skipped() == 1);
    held.erase(held.begin());
    CHECK(exchange.begin() != nullptr);
}

TEST_CASE("readers on other threads always see whole snapshots, never older ones than before") {
    SnapshotExchange exchange;
    std::atomic<bool> done{false};
    std::atomic<int> torn{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i) {
        readers.emplace_back([&] {
            std::uint64_t last = 0;
            while (!done) {
                const auto seen = exchange.latest();
                if (!seen) continue;
                if (seen->tick.number < last || seen->decisions.size() != 64) ++torn;
                for (const Decision& decision : seen->decisions) {
                    if (decision.total_bytes != seen->tick.number) ++torn;
                }
                last = seen->tick.number;
            }
        });
    }
    for (std::uint64_t i = 1; i <= 20'000; ++i) {
        Snapshot* slot = exchange.begin();
        REQUIRE(slot != nullptr);
        slot->tick.number = i;
        slot->decisions.resize(64);
        for (Decision& decision : slot->decisions) decision.total_bytes = i;
        exchange.publish();
    }
    done = true;
    for (std::thread& reader : readers) reader.join();
    CHECK(torn == 0);
}
