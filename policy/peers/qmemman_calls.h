// What qmemman does with its arithmetic over time (SystemState of qubes/qmemman/systemstate.py): it
// reads, waits and sets. Here each call is a state machine, which asks for one thing at a time, so
// that it can wait without holding anybody up, and recorded readings can be fed to it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "policy/peers/qmemman.h"

namespace ballast::qmemman {

// What a call wants to go on.
enum class Want : std::uint8_t {
    memory,  // fresh figures of what each domain holds: refresh()
    free,    // a fresh figure of free memory
    pause,   // 0.1 s
    done,    // nothing; it has ended
};

// The domains, and what they were set to.
class System {
  public:
    struct Limits {
        double static_max_bytes = 0;   // 0: none
        double hotplug_max_bytes = 0;  // 0: none
    };

    explicit System(const Tuning& tuning = {}) : algorithm_(tuning) {}

    // A domain without limits may have `all_bytes`.
    double all_bytes = 0;
    std::vector<Domain> domains;
    std::vector<Limits> limits;  // a row each

    // What a domain holds now.
    void refresh(std::size_t row, double held_bytes);
    // What can be given away, of `machine_free_bytes`: not what domains may still grow into.
    // refresh() comes before it.
    double free_bytes(double machine_free_bytes);
    void set(std::size_t row, double memory_target_bytes);

    // What was set since take_sets() was last called, in order.
    std::span<const Request> sets() const { return sets_; }
    void forget_sets() { sets_.clear(); }

    Algorithm& algorithm() { return algorithm_; }

  private:
    double promised_bytes(std::size_t row) const;

    Algorithm algorithm_;
    std::vector<Request> sets_;
    // What all may still grow into; nullopt: to be added up again.
    std::optional<double> promised_together_bytes_;
};

// do_balance: shares the memory out anew. Donors are set at once; before a domain is given more,
// others must have given it back.
class BalanceCall {
  public:
    explicit BalanceCall(System& system) : system_(system) {}
    Want start();
    // Takes what start() or resume() asked for last; `free_bytes` (System::free_bytes) is looked at
    // only if that was Want::free.
    Want resume(double free_bytes);

    // What would be left if everyone had what it prefers; nullopt: the call came to nothing.
    std::optional<double> available_bytes() const { return available_bytes_; }

  private:
    enum class At : std::uint8_t { refreshed, weighed, room, paused, waited, stuck, last, ended };

    Want weigh(double free_bytes);
    Want serve(double free_bytes);
    Want next_request();
    Want end(Want want);
    void mark_stuck();

    System& system_;
    At at_ = At::ended;
    std::vector<Request> requests_;
    std::vector<double> held_before_bytes_;
    std::size_t next_ = 0;
    int tries_ = 0;
    std::optional<double> available_bytes_;
};

// do_balloon: frees `wanted_bytes` and a little more.
class BalloonCall {
  public:
    BalloonCall(System& system, double wanted_bytes)
        : system_(system), wanted_bytes_(wanted_bytes) {}
    Want start();
    Want resume(double free_bytes);
    bool freed() const { return freed_; }

  private:
    static constexpr std::size_t period = 30;  // rounds in 3 s
    enum class At : std::uint8_t { refreshed, measured, paused, ended };

    Want measure(double free_bytes);
    Want end(bool freed);
    void inhibit_growth();
    void mark_stuck();

    System& system_;
    double wanted_bytes_;
    At at_ = At::ended;
    std::size_t round_ = 0;
    std::vector<double> free_ring_bytes_;
    std::vector<Request> asked_;  // what each that was asked held then
    bool freed_ = false;
};

// do_balloon_dom: leads single domains to memory targets of their own.
class DomainCall {
  public:
    struct Wish {
        std::size_t row = 0;
        double memory_target_bytes = 0;  // 0: what it prefers
    };
    DomainCall(System& system, std::vector<Wish> wishes)
        : system_(system), wishes_(std::move(wishes)) {}
    Want start();
    Want resume();
    // Whether a refresh() is to look at this row.
    bool watches(std::size_t row) const;
    bool reached() const { return reached_; }

  private:
    struct Way {
        double memory_target_bytes = 0;
        bool there = false;
        std::vector<double> held_bytes;  // a round each
    };
    Want look();
    Want end(bool reached);
    bool slow(const Way& way) const;

    System& system_;
    std::vector<Wish> wishes_;
    std::vector<Way> ways_;  // one a wish
    bool paused_ = false;
    std::size_t round_ = 0;
    bool reached_ = false;
};

}  // namespace ballast::qmemman
