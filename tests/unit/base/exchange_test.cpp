#include "base/exchange.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

using namespace ballast;

namespace {

// A number, and copies of it to see torn ones by.
struct Page {
    std::uint64_t number = 0;
    std::vector<std::uint64_t> copies;
};
using PageExchange = Exchange<Page>;

RefScheme any_scheme() {
    return GENERATE(RefScheme::atomic, RefScheme::percpu, RefScheme::perthread);
}

}  // namespace

TEST_CASE("before the first publication there is nothing to read") {
    const PageExchange exchange(any_scheme());
    CHECK_FALSE(exchange.latest());
}

TEST_CASE("a held value does not change while newer ones are published") {
    PageExchange exchange(any_scheme());
    exchange.begin()->number = 1;
    exchange.publish();
    const auto held = exchange.latest();
    for (std::uint64_t i = 2; i < 100; ++i) {
        exchange.begin()->number = i;
        exchange.publish();
    }
    CHECK(held->number == 1);
    CHECK(exchange.latest()->number == 99);
}

TEST_CASE("readers that hold every slot cost a publication, never a wait") {
    PageExchange exchange(any_scheme());
    std::vector<PageExchange::Handle> held;
    while (Page* slot = exchange.begin()) {
        slot->number = held.size();
        exchange.publish();
        held.push_back(exchange.latest());
    }
    CHECK(exchange.skipped() == 1);
    held.erase(held.begin());
    CHECK(exchange.begin() != nullptr);
}

TEST_CASE("readers on other threads always see whole values, never older ones than before") {
    PageExchange exchange(any_scheme());
    std::atomic<bool> done{false};
    std::atomic<int> torn{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i) {
        readers.emplace_back([&] {
            std::uint64_t last = 0;
            while (!done) {
                const auto seen = exchange.latest();
                if (!seen) continue;
                if (seen->number < last || seen->copies.size() != 64) ++torn;
                for (const std::uint64_t copy : seen->copies)
                    if (copy != seen->number) ++torn;
                last = seen->number;
            }
        });
    }
    for (std::uint64_t i = 1; i <= 20'000; ++i) {
        Page* slot = exchange.begin();
        REQUIRE(slot != nullptr);
        slot->number = i;
        slot->copies.resize(64);
        for (std::uint64_t& copy : slot->copies) copy = i;
        exchange.publish();
    }
    done = true;
    for (std::thread& reader : readers) reader.join();
    CHECK(torn == 0);
}
