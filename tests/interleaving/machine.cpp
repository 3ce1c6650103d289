#include "machine.h"

#include <ucontext.h>

#include <array>
#include <memory>
#include <optional>
#include <utility>

namespace ballast::interleaving {
namespace {

constexpr std::size_t kStackBytes = std::size_t{64} << 10U;

// One choice of an order: which of how many, and what the bounds were before.
struct Choice {
    int taken;
    int of;
};

// Every sequence of choices, one after the other: the last that has another side takes it.
class Orders {
  public:
    void begin() { at_ = 0; }
    int choose(int of) {
        if (of < 2) return 0;
        if (at_ == choices_.size()) choices_.push_back({0, of});
        return choices_[at_++].taken;
    }
    bool next() {
        while (!choices_.empty() && choices_.back().taken + 1 == choices_.back().of)
            choices_.pop_back();
        if (choices_.empty()) return false;
        ++choices_.back().taken;
        return true;
    }

  private:
    std::vector<Choice> choices_;
    std::size_t at_ = 0;
};

struct Thread {
    ucontext_t context{};
    std::function<void()> body;
    std::function<bool()> ready;           // empty: it does not wait
    std::vector<std::uint64_t*> buffered;  // counters, each to become one more
    bool ended = false;
    bool inside = false;  // a restartable sequence
    bool restarted = false;
};

class Machine {
  public:
    explicit Machine(const Bounds& bounds) : bounds_(bounds) {}

    Explored explore(const std::function<World()>& make);

    void step();
    void wait_until(const std::function<bool()>& ready);
    void fail(const char* failure);
    Thread& current() { return threads_[running_]; }
    std::size_t running() const { return running_; }
    std::vector<Thread>& threads() { return threads_; }
    bool stores_late();

  private:
    void run_one_order(const World& world);
    static void begin();
    bool can_go_on(const Thread& thread) const {
        return !thread.ended && (!thread.ready || thread.ready());
    }
    // Which thread goes on; none: all have ended, or nobody can.
    std::optional<std::size_t> next_thread();

    const Bounds bounds_;
    Orders orders_;
    Explored explored_;
    std::vector<Thread> threads_;
    std::vector<std::unique_ptr<std::array<char, kStackBytes>>> stacks_;
    ucontext_t scheduler_{};
    std::vector<std::size_t> able_;  // to go on
    std::optional<std::size_t> next_;
    std::size_t running_ = 0;
    int switches_left_ = 0;
    int late_left_ = 0;
};

Machine* machine = nullptr;

void Machine::begin() {
    machine->current().body();
    empty_own_buffer();
    machine->current().ended = true;
    swapcontext(&machine->current().context, &machine->scheduler_);
}

std::optional<std::size_t> Machine::next_thread() {
    const bool goes_on = can_go_on(threads_[running_]);
    able_.clear();
    if (goes_on) able_.push_back(running_);
    if (!goes_on || switches_left_ > 0) {
        for (std::size_t i = 0; i < threads_.size(); ++i)
            if (i != running_ && can_go_on(threads_[i])) able_.push_back(i);
    }
    if (able_.empty()) return std::nullopt;
    const std::size_t next =
        able_[static_cast<std::size_t>(orders_.choose(static_cast<int>(able_.size())))];
    if (goes_on && next != running_) --switches_left_;
    return next;
}

void Machine::run_one_order(const World& world) {
    threads_.assign(world.threads.size(), Thread{});
    running_ = 0;
    switches_left_ = bounds_.switches;
    late_left_ = bounds_.late_stores;
    for (std::size_t i = 0; i < threads_.size(); ++i) {
        Thread& thread = threads_[i];
        thread.body = world.threads[i];
        if (i == stacks_.size())
            stacks_.push_back(std::make_unique<std::array<char, kStackBytes>>());
        getcontext(&thread.context);
        thread.context.uc_stack.ss_sp = stacks_[i]->data();
        thread.context.uc_stack.ss_size = kStackBytes;
        thread.context.uc_link = nullptr;
        makecontext(&thread.context, &Machine::begin, 0);
    }
    for (auto next = next_thread(); next && !explored_.failed(); next = next_) {
        running_ = *next;
        current().ready = nullptr;
        swapcontext(&scheduler_, &current().context);
        if (current().ended) next_ = next_thread();
    }
    for (const Thread& thread : threads_)
        if (!thread.ended && !explored_.failed()) explored_.failure = "nobody goes on";
}

Explored Machine::explore(const std::function<World()>& make) {
    do {
        orders_.begin();
        const World world = make();
        run_one_order(world);
        ++explored_.orders;
        if (explored_.failed()) break;
        world.at_end();
    } while (!explored_.failed() && orders_.next());
    return explored_;
}

// Nearly always the same thread goes on: then nothing is switched.
void Machine::step() {
    next_ = explored_.failed() ? std::nullopt : next_thread();
    if (next_ == running_)
        current().ready = nullptr;
    else
        swapcontext(&current().context, &scheduler_);
}

void Machine::wait_until(const std::function<bool()>& ready) {
    current().ready = ready;
    step();
}

void Machine::fail(const char* failure) {
    explored_.failure = failure;
    // The thread is left where it is; only its stack goes.
    if (!threads_.empty() && !current().ended) step();
}

// A store waits where one before it does: they become visible in their order.
bool Machine::stores_late() {
    if (!current().buffered.empty()) return true;
    if (late_left_ == 0 || orders_.choose(2) == 0) return false;
    --late_left_;
    return true;
}

void empty(Thread& thread) {
    for (std::uint64_t* const counter : thread.buffered) ++*counter;
    thread.buffered.clear();
}

}  // namespace

Explored explore(const Bounds& bounds, const std::function<World()>& make) {
    Machine here(bounds);
    machine = &here;
    const Explored explored = here.explore(make);
    machine = nullptr;
    return explored;
}

// Outside of an order, as where state is made or looked at in the end, there is one thread alone.
bool alone() {
    return machine == nullptr || machine->threads().empty() || machine->current().ended;
}

void step() {
    if (!alone()) machine->step();
}

void wait_until(const std::function<bool()>& ready) {
    machine->wait_until(ready);
}

void check(bool holds, const char* failure) {
    if (!holds) machine->fail(failure);
}

std::size_t this_thread() {
    return machine->running();
}

void empty_own_buffer() {
    if (!alone()) empty(machine->current());
}

void count_plainly(std::uint64_t& counter) {
    if (!alone() && machine->stores_late())
        machine->current().buffered.push_back(&counter);
    else
        ++counter;
}

std::uint64_t load(const std::uint64_t& counter) {
    std::uint64_t value = counter;
    if (!alone())
        for (const std::uint64_t* const mine : machine->current().buffered)
            value += mine == &counter ? 1 : 0;
    return value;
}

void membarrier(bool restart_sequences) {
    if (machine == nullptr) return;
    for (Thread& thread : machine->threads()) {
        empty(thread);
        thread.restarted = thread.restarted || (restart_sequences && thread.inside);
    }
}

void begin_sequence() {
    machine->current().inside = true;
    machine->current().restarted = false;
}

bool was_restarted() {
    return machine->current().restarted;
}

void end_sequence() {
    machine->current().inside = false;
}

}  // namespace ballast::interleaving
