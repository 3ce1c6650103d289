// Proxmox VE's automatic ballooning as a request policy.
#pragma once

#include <memory>

#include "policy/policy.h"

namespace ballast {

// `choice` is of kind proxmox.
std::unique_ptr<Policy> make_proxmox_policy(const PolicyChoice& choice);

}  // namespace ballast
