// Why a policy asked for what it asked.
#pragma once

#include <cstdint>
#include <string_view>

namespace ballast {

// Of one domain in one tick; a policy that tells no reasons leaves them `untold`.
enum class RequestReason : std::uint8_t {
    untold,
    enough,            // neither the guest nor the host lacks anything
    host_lacks,        // less is available on the host than should be
    reserved,          // somebody waits for host memory
    guest_short,       // the guest has less than the room it needs
    evened_out,        // the guest has far less room than others
    host_eases,        // the host has plenty
    node_lacks,        // less is available than should be on the NUMA nodes that it is bound to
    not_worth_it,      // what would move is too little
    silent,            // the guest does not tell what it uses
    held,              // nothing of it may be moved now
    figures_awaited,   // the host lacks memory; its balloon moved, and its statistics are older
    nothing_to_spare,  // the host lacks memory; the guest has no more than it should keep
    others_give,       // the host lacks memory; guests with more to spare give it
    host_waited_for,   // it has too little, and waits until the host has more
    host_unknown,      // the backend does not report what the host has available
};

// For people, after "because"; empty for `untold`.
std::string_view describe(RequestReason reason) noexcept;
// For programs: the name as it stands here.
std::string_view to_string(RequestReason reason) noexcept;

}  // namespace ballast
