// Domains of a libvirt host and their virtio balloons.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "hv_backends/backend.h"

namespace ballast {

struct LibvirtOptions {
    std::string uri = "qemu:///system";
    // Set on domains that have none or a longer one; 0 = leave alone.
    std::uint32_t stats_period_s = 1;
    Duration reconnect_min = std::chrono::seconds(1);
    Duration reconnect_max = std::chrono::seconds(30);
    // How long the loop waits for the statistics, twice where the first call hangs.
    Duration answer_deadline = std::chrono::seconds(2);
    // After so long, a guest whose balloon is being set is told of as stuck.
    Duration move_deadline = std::chrono::seconds(3);
};

// `clock` outlives the backend.
std::unique_ptr<Backend> make_libvirt_backend(const LibvirtOptions& options, const Clock& clock);

}  // namespace ballast
