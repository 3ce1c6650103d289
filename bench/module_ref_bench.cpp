// Getting and putting a module reference, by scheme, alone and with a second thread doing the same;
// and how long a removal takes to decide.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <memory>
#include <thread>

#include "base/clock.h"
#include "base/membarrier.h"
#include "base/module_ref.h"
#include "bench/side_by_side.h"

namespace ballast::bench {
namespace {

constexpr std::size_t pairs_a_turn = 20'000;

// A second thread that does the same work as the first at the same time, all the time while one
// of these lives. It also keeps libc from assuming that there is one thread alone.
class Companion {
  public:
    explicit Companion(std::function<void()> work)
        : thread_([this, work = std::move(work)] {
              while (!stop_.load(std::memory_order_relaxed)) work();
          }) {}
    ~Companion() {
        stop_ = true;
        thread_.join();
    }

  private:
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

void empty_turn() {
    for (std::size_t i = 0; i < pairs_a_turn; ++i) asm volatile("" : : : "memory");
}

void get_put_turn(ModuleRef& ref) {
    for (std::size_t i = 0; i < pairs_a_turn; ++i) {
        // An open count refuses nobody.
        if (!ref.try_get()) std::terminate();
        asm volatile("" : : : "memory");
        ref.put();
    }
}

std::shared_ptr<ModuleRef> opened(RefScheme scheme) {
    auto ref = std::make_shared<ModuleRef>(ModuleRef::Options{.scheme = scheme});
    ref->open();
    return ref;
}

// One window of `turn` with `threads` threads at it.
std::function<double()> windows_of(unsigned threads, std::function<void()> turn) {
    // Short with two, so that now and then both run all through it.
    auto window = timed(
        [turn] {
            turn();
            return pairs_a_turn;
        },
        std::chrono::milliseconds(threads == 1 ? 5 : 1));
    if (threads == 1) return window;
    return [window, turn] {
        const Companion companion(turn);
        double ns = window();
        for (int tries = 1; !std::isfinite(ns) && tries < 50; ++tries) ns = window();
        return ns;
    };
}

Case against_empty(unsigned threads) {
    auto ref = opened(RefScheme::percpu);
    return {fmt::format("module_ref.{}.{}t", to_string(ref->scheme()), threads), "empty",
            "ns/get+put", windows_of(threads, [ref] { get_put_turn(*ref); }),
            windows_of(threads, empty_turn)};
}

Case against_atomic(unsigned threads) {
    auto ref = opened(RefScheme::percpu);
    auto shared = opened(RefScheme::atomic);
    return {fmt::format("module_ref.{}.{}t", to_string(ref->scheme()), threads),
            fmt::format("module_ref.atomic.{}t", threads), "ns/get+put",
            windows_of(threads, [ref] { get_put_turn(*ref); }),
            windows_of(threads, [shared] { get_put_turn(*shared); })};
}

// The 99th percentile of 1000 of what `once` takes, while a second thread gets and puts.
std::function<double()> p99_of(std::shared_ptr<ModuleRef> ref, std::function<void()> once) {
    return if_clean([ref = std::move(ref), once = std::move(once)] {
        const Companion companion([&ref] {
            for (std::size_t i = 0; i < pairs_a_turn; ++i) {
                if (ref->try_get()) ref->put();
            }
        });
        const SystemClock clock;
        std::array<double, 1000> ns{};
        for (double& sample : ns) {
            const Time start = clock.now();
            once();
            sample = std::chrono::duration<double, std::nano>(clock.now() - start).count();
        }
        auto* const p99 = ns.begin() + ns.size() * 99 / 100;
        std::nth_element(ns.begin(), p99, ns.end());
        return *p99;
    });
}

Case removal() {
    auto ref = opened(RefScheme::percpu);
    return {fmt::format("module_ref.{}.removal_p99", to_string(ref->scheme())), "membarrier",
            "ns/decision",
            p99_of(ref,
                   [ref] {
                       ref->try_remove();
                       ref->open();
                   }),
            p99_of(ref, [] {
                if (has_membarrier()) membarrier_all_threads();
            })};
}

}  // namespace

std::vector<NamedCase> module_ref_cases() {
    std::vector<NamedCase> cases;
    for (const unsigned threads : {1U, 2U}) {
        const std::string name = fmt::format("module_ref.percpu.{}t", threads);
        cases.push_back({name, [threads] { return against_empty(threads); }});
        cases.push_back({name, [threads] { return against_atomic(threads); }});
    }
    cases.push_back({"module_ref.percpu.removal_p99", removal});
    return cases;
}

}  // namespace ballast::bench
