#include "policy/peers/proxmox.h"

#include <algorithm>
#include <cmath>

namespace ballast::proxmox {
namespace {

constexpr double deadband_bytes = 10 * 1024 * 1024;

bool eligible(const Vm& vm) {
    return vm.balloon_bytes != 0 && vm.min_bytes != 0 && !vm.migrating && vm.shares != 0.0;
}

// A VM whose free memory is unknown counts as pressed, as does one whose cache has eaten it up.
bool comfortable(const Vm& vm) {
    return vm.free_bytes != 0 && vm.free_bytes > vm.min_bytes * 0.25 &&
           vm.balloon_bytes >= vm.min_bytes;
}

double shares_of(const Vm& vm) {
    return vm.shares.value_or(1000);
}

// Where the guest is led in one call: always measured from where it was before it.
std::optional<double> moved(const Vm& vm, double desired_bytes, bool growing, double most_bytes) {
    if (growing && desired_bytes > vm.balloon_bytes)
        return std::min(desired_bytes, vm.balloon_bytes + most_bytes);
    // Also when the host has memory to give: the shares decide, not who is in need.
    if (desired_bytes < vm.balloon_bytes)
        return std::max(desired_bytes, vm.balloon_bytes - most_bytes);
    return std::nullopt;
}

}  // namespace

double host_goal_bytes(double total_bytes, double used_bytes, double target_percent) {
    return std::trunc(total_bytes * target_percent / 100 - used_bytes);
}

double AutoBalloon::held_bytes(std::size_t row) const {
    return targets_[row].value_or(vms_[row].balloon_bytes);
}

AutoBalloon::Pass AutoBalloon::pass(std::span<const std::size_t> list, bool growing,
                                    double rest_bytes) {
    double shares_total = 0;
    double above_min_bytes = rest_bytes;
    for (const std::size_t row : list) {
        if (done_[row] != 0) continue;
        above_min_bytes += held_bytes(row) - vms_[row].min_bytes;
        shares_total += shares_of(vms_[row]);
    }
    Pass result{rest_bytes, false, false};
    for (const std::size_t row : list) {
        if (done_[row] != 0) continue;
        const Vm& vm = vms_[row];
        // In this order: the quotient is rounded before it is multiplied, which can cost a byte.
        const double share = std::trunc((above_min_bytes / shares_total) * shares_of(vm));
        double desired_bytes = vm.min_bytes + share;
        if (desired_bytes > vm.max_bytes) {
            desired_bytes = vm.max_bytes;
            result.again = true;
        } else if (desired_bytes < vm.min_bytes) {
            desired_bytes = vm.min_bytes;
            result.again = true;
        }
        const auto target_bytes = moved(vm, desired_bytes, growing, most_change_bytes_);
        if (!target_bytes) {
            // What an earlier pass set stays, although it may no longer fit.
            done_[row] = 1;
            continue;
        }
        const double change_bytes = *target_bytes - held_bytes(row);
        if (*target_bytes == vm.balloon_bytes) continue;
        targets_[row] = target_bytes;
        if (change_bytes == 0) continue;
        result.rest_bytes -= change_bytes;
        result.progress = true;
        result.again = true;
    }
    return result;
}

double AutoBalloon::share(std::span<const std::size_t> list, double bytes) {
    std::fill(done_.begin(), done_.end(), std::uint8_t{0});
    Pass last{bytes, true, true};
    // A pass that finishes no VM is the last but one; sums beyond 2^53 might never settle.
    for (std::size_t left = list.size() + 2; left > 0; --left) {
        if (last.rest_bytes == 0 || !last.again || !last.progress) break;
        last = pass(list, bytes > 0, last.rest_bytes);
    }
    return last.rest_bytes;
}

std::span<const std::optional<double>> AutoBalloon::compute(std::span<const Vm> vms,
                                                            double goal_bytes,
                                                            double most_change_bytes) {
    vms_ = vms;
    most_change_bytes_ = most_change_bytes;
    targets_.assign(vms.size(), std::nullopt);
    done_.assign(vms.size(), 0);
    eligible_.clear();
    pressed_.clear();
    comfortable_.clear();
    for (std::size_t row = 0; row < vms.size(); ++row) {
        if (!eligible(vms[row])) continue;
        eligible_.push_back(row);
        (comfortable(vms[row]) ? comfortable_ : pressed_).push_back(row);
    }
    // Those that it suits best first; all of them only if that moved nothing the right way.
    if (goal_bytes > deadband_bytes) {
        const double rest_bytes = share(pressed_, goal_bytes);
        if (rest_bytes >= goal_bytes) share(eligible_, rest_bytes);
    } else if (goal_bytes < -deadband_bytes) {
        const double rest_bytes = share(comfortable_, goal_bytes);
        if (rest_bytes <= goal_bytes) share(eligible_, rest_bytes);
    }
    return targets_;
}

}  // namespace ballast::proxmox
