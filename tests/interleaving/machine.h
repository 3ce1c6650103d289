// A machine that runs a few threads one step at a time, in every order within bounds: between two
// operations on shared memory any other thread may go on. Its memory is x86's: a plain store may
// wait in its thread's store buffer, where that thread alone sees it, until a locked instruction or
// a membarrier empties the buffer. Restartable sequences start again after a membarrier that
// restarts them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace ballast::interleaving {

// How far from running each thread to its end, one after the other, an order may be.
struct Bounds {
    int switches = 3;     // to another thread while this one could go on
    int late_stores = 2;  // that wait in a store buffer
};

struct Explored {
    std::uint64_t orders = 0;
    // Of the first order in which something went wrong; empty = of none.
    const char* failure = "";
    bool failed() const { return *failure != '\0'; }
};

// Runs `make`'s threads in every order. `make` is called for each order, on fresh state, and
// returns the threads; what it captured has to live until all of them have ended. `at_end` is
// called after the last one. An order in which every thread waits is a failure ("nobody goes on").
struct World {
    std::vector<std::function<void()>> threads;
    std::function<void()> at_end = [] {};
};
Explored explore(const Bounds& bounds, const std::function<World()>& make);

// --- for code that runs on the machine

// Before each operation on shared memory: others may go on here.
void step();
// Goes on once `ready()`; others run until then. `ready` touches no shared memory.
void wait_until(const std::function<bool()>& ready);
// Ends this order, and the exploration, as a failure.
void check(bool holds, const char* failure);
// The number of the thread that runs, from 0 on.
std::size_t this_thread();

// A locked instruction, or a store that is sequentially consistent.
void empty_own_buffer();
// A plain store of one more.
void count_plainly(std::uint64_t& counter);
// A load: what is in memory and in this thread's buffer.
std::uint64_t load(const std::uint64_t& counter);

void membarrier(bool restart_sequences);
// A sequence has begun; false from restarted() on: nothing happened since.
void begin_sequence();
bool was_restarted();
void end_sequence();

}  // namespace ballast::interleaving
