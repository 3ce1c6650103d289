// squeezed's whole calls (change_host_free_memory and those around it in squeeze.ml).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "policy/peers/squeezed_iteration.h"

namespace ballast::squeezed {

// How a call ended.
struct End {
    enum class Outcome : std::uint8_t {
        ok,
        cannot_free,  // everybody is at the least, or domain 0 alone is off its target
        refused,      // `domids` did not follow
        world_ended,  // no further snapshot or time
    };
    Outcome outcome = Outcome::ok;
    std::int64_t needed_kib = 0;  // of cannot_free
    std::int64_t free_kib = 0;    // of cannot_free
    std::vector<std::int64_t> domids{};
};

// A change of the host's free memory, step by step. First begin(), then round() after round until
// there is an end, 1 s apart.
class Change {
  public:
    // The host's free memory shall become `required_kib`, and may end where `goal` is met.
    Change(std::int64_t required_kib, std::int64_t host_target_kib, const Goal& goal,
           const Faults& faults = {})
        : required_kib_(required_kib),
          host_target_kib_(host_target_kib),
          goal_(goal),
          iteration_(faults) {}

    // True: there is nothing to do. Never so where no more is required than is always kept free.
    bool begin(const Host& host) const;
    // The clock is read before the snapshot is taken.
    void round(double now_s, const Host& host);
    // As if it were new, without allocating what it needs again.
    void restart() noexcept;

    // Of the last round: the limit of every domain, ascending. It is the target of a ballooning
    // one: a new one, the old one, or, for one that just became inactive, what keeps it from
    // growing unseen.
    const std::vector<Target>& limits() const noexcept { return limits_; }
    // Of the last round: targets to set, after the limits.
    const std::vector<Target>& targets() const noexcept { return look_.targets; }
    const std::optional<End>& end() const noexcept { return end_; }

  private:
    void limit(const Host& host);

    std::int64_t required_kib_;
    std::int64_t host_target_kib_;
    Goal goal_;
    Iteration iteration_;
    Look look_;
    std::vector<Target> limits_;
    std::optional<End> end_;
};

// squeezed's numbers. By default the daemon's own.
struct Settings {
    std::int64_t host_target_kib = 73728;  // kept free always: 64 + 8 MiB
    std::int64_t tolerance_kib = 512;
    Faults faults{};
};

// What the calls see and do, in order; each call is one event.
class World {
  public:
    virtual ~World() = default;
    // Nothing: it has ended, and the call ends with it.
    virtual std::optional<Host> host() = 0;
    virtual std::optional<double> now_s() = 0;
    virtual void set_limit(const Target& limit) = 0;
    virtual void set_target(const Target& target) = 0;
    virtual void wait_s(double seconds) = 0;
};

// Ends with what `goal` asks of the host's free memory, or says why not.
End change_host_free_memory(World& world, std::int64_t required_kib, const Goal& goal,
                            const Settings& settings);
// `required_kib` more than is always kept free.
End free_memory(World& world, std::int64_t required_kib, const Settings& settings);
// As much of least .. most as a new domain with that range would get; `amount_kib` (set where the
// outcome is ok) of it can be used. Odd, and kept: domains that cannot balloon are counted for what
// they could free, and the compensation for inaccuracy is never switched off here.
End free_memory_range(World& world, std::int64_t least_kib, std::int64_t most_kib,
                      const Settings& settings, std::int64_t& amount_kib);
// Gives out what is free beyond what is always kept. Failures are nobody's business.
void balance_memory(World& world, const Settings& settings);
// Whether balance_memory would set other targets. Nothing: the world has ended.
std::optional<bool> is_host_memory_unbalanced(World& world, const Settings& settings);
// Whether any of `targets` (descending) is not the one that its domain has.
bool changes_any(const Host& host, const std::vector<Target>& targets);
// When balance_memory is content.
Goal balanced(const Settings& settings);

}  // namespace ballast::squeezed
