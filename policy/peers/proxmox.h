// Proxmox VE's automatic ballooning (compute_alg1 of PVE::AutoBalloon, and what pvestatd makes of
// it), to the byte.
//
// Amounts are bytes in doubles, as Perl works them out; whole ones are exact up to 2^53.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace ballast::proxmox {

// 0 where the hypervisor does not tell.
struct Vm {
    double max_bytes = 0;
    double balloon_bytes = 0;      // what it keeps now; 0: it has no balloon that works
    double min_bytes = 0;          // what it keeps at least; 0: nobody said, leave it alone
    double free_bytes = 0;         // its MemFree
    std::optional<double> shares;  // nullopt: 1000. 0: leave it alone
    bool migrating = false;
};

// What the host may use, less what it uses: > 0 to be given to guests, < 0 to be taken from them.
// `target_percent` of the memory may be used. Whole bytes.
double host_goal_bytes(double total_bytes, double used_bytes, double target_percent);

// One computation; keeps its memory from one to the next.
class AutoBalloon {
  public:
    // The memory target of each VM, in bytes; nullopt: none is asked for. Valid until the next
    // call. `most_change_bytes` bounds the move of a VM.
    std::span<const std::optional<double>> compute(std::span<const Vm> vms, double goal_bytes,
                                                   double most_change_bytes);

  private:
    struct Pass {
        double rest_bytes = 0;
        bool progress = false;
        bool again = false;
    };
    // Shares `bytes` among the VMs of `list`; returns what is left of it.
    double share(std::span<const std::size_t> list, double bytes);
    Pass pass(std::span<const std::size_t> list, bool growing, double rest_bytes);
    double held_bytes(std::size_t row) const;

    std::span<const Vm> vms_;
    double most_change_bytes_ = 0;
    std::vector<std::optional<double>> targets_;
    std::vector<std::uint8_t> done_;
    std::vector<std::size_t> eligible_;
    std::vector<std::size_t> pressed_;
    std::vector<std::size_t> comfortable_;
};

}  // namespace ballast::proxmox
