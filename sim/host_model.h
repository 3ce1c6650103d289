// A simulated host with its guests: who comes and goes, whose balloon moves, what the host swaps.
// docs/simulator.md tells the reasons of every rule and constant.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/host.h"
#include "sim/amounts.h"
#include "sim/demand.h"
#include "sim/guest_model.h"
#include "sim/workload.h"

namespace ballast {

struct HostConstants {
    Bytes memory = 0;       // > 0
    Bytes own = 0;          // what the host itself needs
    Bytes swap = 0;         // its size
    double restart_s = 60;  // a guest that the host had to kill is back after so long
};

// What a run cost so far, over all guests.
struct HarmTotals {
    double guest_s = 0;  // time that guests were there
    double guest_stall_s = 0;
    double host_stall_s = 0;
    std::uint64_t guest_ooms = 0;
    std::uint64_t host_ooms = 0;
    // Bytes; not in whole numbers, as a long run may move more than those hold.
    double guest_faulted = 0;
    double host_faulted = 0;
    double host_swapped_out = 0;
    double moved = 0;            // by balloons, either way
    double lent_byte_s = 0;      // what was lent times how long
    double unserved_byte_s = 0;  // demand of programs that were killed
    Bytes least_available = 0;
};

inline constexpr Bytes kNotAsked = -1;

// One thread. Machines are counted as in the workload, rows as in the observation.
class SimHost {
  public:
    // `workload` outlives the host. Nobody is there before start().
    SimHost(const Workload& workload, const GuestConstants& guest, const HostConstants& host);

    // Time 0, or a little later; `demand` of each machine.
    void start(std::span<const Bytes> demand, double at_s = 0);
    // `step_s` > 0 pass until `at_s`, when the machines need `demand`: balloons move first, then
    // guests live, then the host swaps what it has not.
    void advance(double at_s, double step_s, std::span<const Bytes> demand);
    // The loan that row's balloon moves to from now on; kept within 0 and its capacity.
    void ask(std::size_t row, Bytes loan);

    // From now on each advance() also adds what it cost each machine that is there; one entry per
    // machine of the workload, which the caller clears. Empty: no longer.
    void tell_harm(std::span<GuestHarm> of_each) noexcept { harm_of_each_ = of_each; }

    // What guests tell is as of now until this is called again, as statistics that take a while to
    // arrive; the balloon's size is always of the present. Never called: all is of the present.
    void tell_statistics();

    // The same object each time: columns are filled in place, sized anew when machines came or
    // went.
    void observe(Observation& seen);

    // What the host itself needs from now on, beyond its constant; below 0: less.
    void set_own_beyond(Bytes bytes) noexcept { own_beyond_ = bytes; }

    double at_s() const noexcept { return at_s_; }
    // The machines that are there, in the order of rows.
    std::span<const std::size_t> rows() const noexcept { return rows_; }
    // Raised whenever rows() changed.
    std::uint64_t membership() const noexcept { return membership_; }
    const SimGuest& guest(std::size_t vm) const noexcept { return guests_[vm]; }
    // What the hypervisor reports that it lends; differs from guest(vm).loaned() while a size is
    // late.
    Bytes reported_loan(std::size_t vm) const noexcept { return sizes_[vm].loaned; }
    // The loan last asked of it since it came; kNotAsked = none.
    Bytes asked(std::size_t vm) const noexcept { return asked_[vm]; }
    // The host killed it, and it is not back yet.
    bool is_down(std::size_t vm) const noexcept { return up_at_s_[vm] > at_s_; }
    const GuestConstants& guest_constants() const noexcept { return guest_constants_; }
    const HostConstants& constants() const noexcept { return constants_; }
    Bytes resident() const noexcept { return resident_; }
    Bytes swapped() const noexcept { return swapped_; }
    Bytes available() const noexcept;
    // Of it, what is to be free for machines that are about to start.
    Bytes reserved() const noexcept;
    // What is to be free for a machine, whether it is there yet or not.
    struct Claim {
        std::size_t vm = kNobody;
        Bytes bytes = 0;
    };
    std::span<const Claim> claims() const noexcept { return claims_; }
    const Workload& workload() const noexcept { return workload_; }
    const HarmTotals& totals() const noexcept { return totals_; }

  private:
    // Guest statistics as they are told.
    struct Figures {
        std::uint64_t unused = 0;
        std::uint64_t usable = 0;
        std::uint64_t cache = 0;
        std::uint64_t major_faults = 0;
        std::uint64_t swapped_in = 0;
        std::uint64_t swapped_out = 0;
    };
    static Figures figures_of(const SimGuest& guest);
    // What a machine told last, and what it lent then.
    struct Told {
        Figures figures;
        Bytes loaned = 0;
    };
    // The size of a balloon as the hypervisor reports it.
    struct Size {
        Bytes loaned = 0;
        bool late = false;  // it changed at the last step, or is not what the guest lends
        std::optional<double> moves_since_s;  // while it is not
    };
    void report_size(std::size_t vm, double began_s);
    void tell_statistics_of(std::size_t vm);
    void wish_for_loans(DomainTable& domains);

    Bytes own() const noexcept { return constants_.own + own_beyond_; }
    Bytes outstanding(const Claim& claim) const noexcept;
    void drop_claim(std::size_t vm);
    void change_until(double at_s, std::span<const Bytes> demand);
    void live(std::size_t vm, double step_s, Bytes demand);
    void add_up();
    void balance();
    void swap_out(Bytes amount);
    void kill_largest();
    void list_rows(Observation& seen) const;

    const Workload& workload_;
    GuestConstants guest_constants_;
    HostConstants constants_;
    std::vector<SimGuest> guests_;
    std::vector<Bytes> asked_;
    std::vector<Figures> frozen_;
    std::vector<Told> told_;  // empty: all is of the present
    std::vector<Size> sizes_;
    // What the hypervisor wants lent; absent where it wants nothing of anybody.
    std::optional<DemandReader> wish_reader_;
    std::vector<Bytes> wishes_;
    std::vector<double> up_at_s_;  // killed guests are back then
    std::vector<std::uint8_t> present_;
    std::vector<std::size_t> rows_;
    std::vector<Claim> claims_;
    std::uint64_t membership_ = 0;
    std::uint64_t listed_ = 0;  // the membership that the observation was sized for
    std::size_t next_change_ = 0;
    double at_s_ = 0;
    double stalled_s_ = 0;  // some guest waited for the host
    Bytes own_beyond_ = 0;
    bool never_swaps_ = false;  // nor kills
    Bytes resident_ = 0;
    Bytes swapped_ = 0;
    HarmTotals totals_;
    std::span<GuestHarm> harm_of_each_;
};

}  // namespace ballast
