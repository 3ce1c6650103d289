#include "base/thread_number.h"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

namespace ballast {
namespace {

struct Numbers {
    std::mutex lock;
    std::vector<bool> taken;

    std::uint32_t take() {
        const std::lock_guard guard(lock);
        const auto free = std::find(taken.begin(), taken.end(), false);
        const auto number = static_cast<std::uint32_t>(free - taken.begin());
        if (free == taken.end()) {
            taken.push_back(true);
        } else {
            *free = true;
        }
        return number;
    }
    void give_back(std::uint32_t number) {
        const std::lock_guard guard(lock);
        taken[number] = false;
    }
};

Numbers& numbers() {
    // Never destroyed: threads may end after main().
    static Numbers& all = *new Numbers;
    return all;
}

// Stays readable after the thread's destructors have run, unlike Taken.
thread_local std::uint32_t mine = no_thread_number;

struct Taken {
    Taken() { mine = numbers().take(); }
    ~Taken() { numbers().give_back(std::exchange(mine, no_thread_number)); }
};

}  // namespace

std::uint32_t this_thread_number() noexcept {
    thread_local const Taken taken;
    static_cast<void>(&taken);  // made at the first use
    return mine;
}

}  // namespace ballast
