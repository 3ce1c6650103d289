#include "report/why.h"

namespace ballast::report {
namespace {

struct Words {
    Why why;
    std::string_view title;
    std::string_view sentence;
};

constexpr std::array<Words, kWhyCount> kWords{{
    {Why::host_short, "host short of memory",
     "The host had {0} available, less than the {1} that should stay free."},
    {Why::host_swaps, "host swapped", "The host had swapped out {0} of its guests in this step."},
    {Why::guest_spare, "guest had memory to spare",
     "The guest had {0} available; the host had {1}, no less than should stay free."},
    {Why::guest_oom, "guest ran out of memory",
     "The guest had run out of memory in this step and taken {0} back."},
    {Why::guest_misses, "guest was short",
     "The guest needed {0} that it had dropped or swapped for lack of memory."},
    {Why::guest_low, "guest ran low", "Of the {1} that the guest kept, {0} were available."},
    {Why::host_room, "host had room",
     "The host had {0} available, more than the {1} that should stay free."},
    {Why::neither, "the policy's own rule",
     "Neither was the guest short ({0} available) nor had the host room ({1} available): the "
     "policy's own rule."},
    {Why::foresees, "foreseen", "It knows what the guest is about to need."},
    {Why::hypervisor, "asked for by the hypervisor", "The hypervisor asked for this loan."},
    {Why::fixed, "set by the operator", "The operator set this loan."},
    {Why::told, "in the controller's words", "{t}"},
    {Why::took_back, "took memory back (OOM)",
     "The guest ran out of memory and took {0} out of its balloon by itself."},
    {Why::killed_programs, "programs killed (OOM)",
     "The guest ran out of memory, its balloon gave nothing back, and programs that needed {0} "
     "were killed."},
    {Why::came_short, "balloon came short",
     "Asked for {0}, the balloon stood at {1} a step later."},
    {Why::came, "machine came", "The machine was started."},
    {Why::went, "machine went", "The machine was stopped."},
    {Why::killed, "killed by the host",
     "The host's memory and swap were full: it killed the guest."},
}};

constexpr bool is_in_order() {
    for (std::size_t i = 0; i < kWords.size(); ++i)
        if (static_cast<std::size_t>(kWords[i].why) != i) return false;
    return true;
}
static_assert(is_in_order());

const Words& words_of(Why why) noexcept {
    return kWords[static_cast<std::size_t>(why)];
}

}  // namespace

bool is_decision(Why why) noexcept {
    return why < Why::took_back;
}

std::string_view title_of(Why why) noexcept {
    return words_of(why).title;
}

std::string_view sentence_of(Why why) noexcept {
    return words_of(why).sentence;
}

std::string_view bounded_sentence() noexcept {
    return "The policy wanted {0} lent; what the guest keeps at least (min_mem) held it back.";
}

}  // namespace ballast::report
