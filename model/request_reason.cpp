#include "model/request_reason.h"

#include <array>

namespace ballast {
namespace {

struct ReasonWords {
    std::string_view name;
    std::string_view text;
};

// In the order of RequestReason.
constexpr std::array kReasonWords{
    ReasonWords{"untold", ""},
    ReasonWords{"enough", "neither it nor the host lacks memory"},
    ReasonWords{"host_lacks", "the host has less memory available than it should"},
    ReasonWords{"reserved", "somebody waits for memory of the host"},
    ReasonWords{"guest_short", "it has less than the room it needs beside what it uses"},
    ReasonWords{"evened_out", "it has far less room beside what it uses than others have"},
    ReasonWords{"host_eases", "the host has plenty"},
    ReasonWords{"node_lacks",
                "the NUMA nodes that it is bound to have less memory available than they should"},
    ReasonWords{"not_worth_it", "what would move is too little"},
    ReasonWords{"silent", "what it uses is not known"},
    ReasonWords{"held", "nothing of it may be moved now"},
    ReasonWords{
        "figures_awaited",
        "the host, or a NUMA node of it, has less memory available than it should, but the "
        "guest's statistics are older than its balloon's last move: newer ones are awaited"},
    ReasonWords{
        "nothing_to_spare",
        "the host, or a NUMA node of it, has less memory available than it should, but the guest "
        "has no more than it should keep"},
    ReasonWords{
        "others_give",
        "the host, or a NUMA node of it, has less memory available than it should, but other "
        "guests with more to spare are giving it"},
    ReasonWords{
        "host_waited_for",
        "it has less room beside what it uses than others have, and the host does not have the "
        "memory yet"},
    ReasonWords{"host_unknown",
                "it does not lack memory, and what the host has available is not known"},
};

const ReasonWords& words_of(RequestReason reason) noexcept {
    const auto index = static_cast<std::size_t>(reason);
    return kReasonWords[index < kReasonWords.size() ? index : 0];
}

}  // namespace

std::string_view describe(RequestReason reason) noexcept {
    return words_of(reason).text;
}

std::string_view to_string(RequestReason reason) noexcept {
    return words_of(reason).name;
}

}  // namespace ballast
