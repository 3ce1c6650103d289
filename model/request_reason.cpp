#include "model/request_reason.h"

#include <array>

namespace ballast {
namespace {

struct Words {
    std::string_view name;
    std::string_view text;
};

// In the order of RequestReason.
constexpr std::array kWords{
    Words{"untold", ""},
    Words{"enough", "neither it nor the host lacks memory"},
    Words{"host_lacks", "the host has less memory available than it should"},
    Words{"reserved", "somebody waits for memory of the host"},
    Words{"guest_short", "it has less than the room it needs beside what it uses"},
    Words{"evened_out", "it has far less room beside what it uses than others have"},
    Words{"host_eases", "the host has plenty"},
    Words{"node_lacks",
          "the NUMA nodes that it is bound to have less memory available than they should"},
    Words{"not_worth_it", "what would move is too little"},
    Words{"silent", "what it uses is not known"},
    Words{"held", "nothing of it may be moved now"},
    Words{"figures_awaited",
          "the host, or a NUMA node of it, has less memory available than it should, but the "
          "guest's statistics are older than its balloon's last move: newer ones are awaited"},
    Words{"nothing_to_spare",
          "the host, or a NUMA node of it, has less memory available than it should, but the guest "
          "has no more than it should keep"},
    Words{"others_give",
          "the host, or a NUMA node of it, has less memory available than it should, but other "
          "guests with more to spare are giving it"},
    Words{"host_waited_for",
          "it has less room beside what it uses than others have, and the host does not have the "
          "memory yet"},
    Words{"host_unknown", "it does not lack memory, and what the host has available is not known"},
};

const Words& words_of(RequestReason reason) noexcept {
    const auto index = static_cast<std::size_t>(reason);
    return kWords[index < kWords.size() ? index : 0];
}

}  // namespace

std::string_view describe(RequestReason reason) noexcept {
    return words_of(reason).text;
}

std::string_view to_string(RequestReason reason) noexcept {
    return words_of(reason).name;
}

}  // namespace ballast
