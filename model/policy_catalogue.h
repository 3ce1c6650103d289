// Every request policy by name, with the numbers that an operator may set: what the configuration
// checks, the documentation lists and the policies are made from.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ballast {

enum class PolicyKind : std::uint8_t {
    ballast,   // our own
    cmm,       // the hypervisor's own request
    fixed,     // a loan target per domain, set by the operator (the driver's simulate mode)
    still,     // "static": never moves anything
    squeezed,  // XenServer's
    cpuplugd,  // s390-tools', as if it ran in each guest
    rules,     // conditions and steps that an operator writes
    mom,       // oVirt's
    proxmox,   // Proxmox VE's
    qmemman,   // Qubes OS's
    esx,       // the idle tax, after Waldspurger
    hyperv,    // demand with a buffer, as far as published
    psi,       // one stall budget, after senpai
};

// A number that a policy takes. Its unit is in the name.
struct PolicyParameter {
    std::string_view name;
    double by_default = 0;
    double least = 0;
    double most = 0;
    std::string_view meaning;  // one line for people
};

struct PolicyEntry {
    PolicyKind kind{};
    std::string_view name;
    std::string_view description;  // one line for people
    std::span<const PolicyParameter> parameters;
    // Names of settings that are texts (expressions), checked by the policy itself.
    std::span<const std::string_view> texts;
};

// In the order in which people should see them.
std::span<const PolicyEntry> policy_catalogue() noexcept;
// nullptr: there is none of that name.
const PolicyEntry* find_policy(std::string_view name) noexcept;
const PolicyEntry& entry_of(PolicyKind kind) noexcept;

// Whether the policy plans a loan for each domain, which an OOM credit limits once. False: it
// passes on an amount that was asked for, and the credit comes off that, as in the kernel's driver
// (cmm_get_mpp): the hypervisor's request, and an operator's loan target.
bool plans_loans(PolicyKind kind) noexcept;

// A policy and its numbers, in the order of its parameters; texts by name.
struct PolicyChoice {
    PolicyKind kind = PolicyKind::cmm;
    std::vector<double> numbers;
    std::vector<std::pair<std::string, std::string>> texts;

    friend bool operator==(const PolicyChoice&, const PolicyChoice&) = default;
};

// With every number as it is by default.
PolicyChoice default_choice(PolicyKind kind);

// The number of this name, as it was chosen or, where `choice` is too short, by default. `name` is
// a parameter of the policy.
double number_of(const PolicyChoice& choice, std::string_view name);

}  // namespace ballast
