#include "model/policy_catalogue.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace ballast {
namespace {

constexpr std::array kBallast{
    PolicyParameter{"goal_percent", 2, 0, 50, "of the host, to be available beside its reserve"},
    PolicyParameter{"ease_percent", 5, 0, 100,
                    "of the host, available beyond the goal before loans go back"},
    PolicyParameter{"ease_percent_per_s", 0.1, 0, 100, "of the host, going back in a second then"},
    PolicyParameter{"least_room_percent", 3, 0, 50, "of a guest, usable beside what it needs"},
    PolicyParameter{"most_room_percent", 20, 0, 100,
                    "of a guest, the most room that its growth makes it have"},
    PolicyParameter{"comfort_percent", 20, 0, 100,
                    "of a guest, usable beside what it needs while nobody is in need"},
    PolicyParameter{"growth_s", 30, 1, 3600,
                    "how long a guest's room suffices for the fastest growth of late"},
    PolicyParameter{"growth_half_life_s", 1800, 1, 1e6,
                    "in which the memory of that growth halves"},
    PolicyParameter{"cache_percent", 20, 0, 100,
                    "of what programs use, page cache taken for in use at first"},
    PolicyParameter{"cache_relax_percent_per_h", 50, 0, 100,
                    "of that, given up in an hour without refaults"},
    PolicyParameter{"stall_percent", 0.05, 0, 100,
                    "of its time that a guest which lends may wait for what it reads back"},
    PolicyParameter{"fault_us", 100, 0, 1e6, "microseconds that it waits for each page"},
    PolicyParameter{"deadband_percent", 0.5, 0, 50,
                    "of a guest, below which a move is not worth it"},
};

constexpr std::array kSqueezed{
    PolicyParameter{"check_interval_s", 10, 1, 3600, "how often it looks whether to move anything"},
    PolicyParameter{"round_interval_s", 1, 0.1, 60, "how often it looks while something moves"},
    PolicyParameter{"host_free_mib", 72, 0, 1 << 24,
                    "what stays free on the host; 0 = the controller's own reserve"},
    PolicyParameter{"tolerance_kib", 512, 0, 1 << 20,
                    "how much more than that may be free without anything moving"},
};

constexpr std::array kCpuplugd{
    PolicyParameter{"update_s", 1, 0.1, 3600, "how often the rules are looked at"},
    PolicyParameter{"cmm_min_pages", 0, 0, 1LL << 40,
                    "the least that a domain lends, in pages of 4 KiB"},
    PolicyParameter{"cmm_max_pages", 131072, 0, 1LL << 40,
                    "the most that a domain lends, in pages of 4 KiB"},
};
constexpr std::array<std::string_view, 5> kCpuplugdTexts{"variables", "memplug", "memunplug",
                                                         "cmm_inc", "cmm_dec"};

constexpr std::array kRules{
    PolicyParameter{"interval_s", 10, 0.1, 3600, "how often samples are taken and rules looked at"},
};
constexpr std::array<std::string_view, 4> kRulesTexts{"lend_when", "give_back_when", "lend_step",
                                                      "give_back_step"};
constexpr PolicyParameter period_s(double by_default) {
    return {"period_s", by_default, 1, 3600, "seconds between decisions"};
}

constexpr std::array kMom{
    PolicyParameter{"pressure_percent", 20, 0, 100,
                    "guests shrink while less of the host's memory than this is free"},
    PolicyParameter{"critical_percent", 5, 0, 100,
                    "guests are made to swap while less than this is free"},
    PolicyParameter{"guest_free_percent", 20, 0, 100, "of its memory that a guest keeps free"},
    PolicyParameter{"most_change_percent", 5, 0.1, 100, "of its memory that a guest is moved by"},
    PolicyParameter{"least_change_percent", 0.25, 0, 100,
                    "of its memory; moves no larger than this are left out"},
    period_s(10),
};

constexpr std::array kProxmox{
    PolicyParameter{"host_used_percent", 80, 0, 100, "of the host's memory that is to be in use"},
    PolicyParameter{"most_change_mib", 100, 1, 1048576, "MiB that a guest is moved by at most"},
    period_s(10),
};

constexpr std::array kQmemman{
    PolicyParameter{"cache_factor", 1.3, 1, 10, "what a guest is to have, as a multiple of use"},
    PolicyParameter{"least_pref_mib", 200, 1, 1048576, "MiB that every guest is to have"},
};

constexpr std::array kEsx{
    PolicyParameter{"idle_tax_percent", 75, 0, 99, "of idle memory that does not count as owned"},
    PolicyParameter{"free_high_percent", 6, 0, 100, "of the host's memory that is to be free"},
    PolicyParameter{"free_soft_percent", 4, 0, 100, "below this much, memory is taken in steps"},
    PolicyParameter{"free_hard_percent", 2, 0, 100, "below this much, all that lacks is taken"},
    PolicyParameter{"soft_step_percent", 1, 0.1, 100, "of the host's memory that is taken a step"},
    period_s(10),
};

constexpr std::array kHyperv{
    PolicyParameter{"buffer_percent", 20, 5, 2000, "what a guest is to have beyond its demand"},
    period_s(1),
};

constexpr std::array kPsi{
    PolicyParameter{"budget_ms", 10, 0.1, 60000, "milliseconds a guest may stall in a window"},
    PolicyParameter{"window_s", 6, 1, 3600, "seconds between decisions"},
    PolicyParameter{"fault_us", 500, 1, 1e6, "microseconds that a major fault is taken to cost"},
    PolicyParameter{"most_probe_percent", 1, 0.01, 50, "of its memory that a guest gives a step"},
};

constexpr std::array kCatalogue{
    PolicyEntry{PolicyKind::ballast,
                "ballast",
                "lends what the host needs, from those who feel it least",
                kBallast,
                {}},
    PolicyEntry{PolicyKind::cmm, "cmm", "lends what the hypervisor asks for", {}, {}},
    PolicyEntry{PolicyKind::fixed, "fixed", "lends what an operator set for each domain", {}, {}},
    PolicyEntry{PolicyKind::still, "static", "never moves a balloon", {}, {}},
    PolicyEntry{PolicyKind::squeezed,
                "squeezed",
                "keeps every domain at the same fraction between its min_mem and its total",
                kSqueezed,
                {}},
    PolicyEntry{PolicyKind::cpuplugd, "cpuplugd",
                "grows and shrinks each domain by cpuplugd's rules over its own figures", kCpuplugd,
                kCpuplugdTexts},
    PolicyEntry{PolicyKind::rules, "rules",
                "lends and gives back by conditions that an operator writes", kRules, kRulesTexts},
    PolicyEntry{
        PolicyKind::mom, "mom", "oVirt's MOM: guests follow the host's free memory", kMom, {}},
    PolicyEntry{
        PolicyKind::proxmox, "proxmox", "Proxmox VE: a goal for the host, by shares", kProxmox, {}},
    PolicyEntry{
        PolicyKind::qmemman, "qmemman", "Qubes OS: all memory handed out, by use", kQmemman, {}},
    PolicyEntry{PolicyKind::esx, "esx", "ESX: shares, and a tax on idle memory", kEsx, {}},
    PolicyEntry{
        PolicyKind::hyperv, "hyperv", "like Hyper-V: demand, a buffer and weights", kHyperv, {}},
    PolicyEntry{PolicyKind::psi, "psi", "like senpai: a budget of stalls", kPsi, {}},
};

}  // namespace

std::span<const PolicyEntry> policy_catalogue() noexcept {
    return kCatalogue;
}

const PolicyEntry* find_policy(std::string_view name) noexcept {
    const auto* const found =
        std::find_if(kCatalogue.begin(), kCatalogue.end(),
                     [name](const PolicyEntry& entry) { return entry.name == name; });
    return found == kCatalogue.end() ? nullptr : found;
}

const PolicyEntry& entry_of(PolicyKind kind) noexcept {
    return *std::find_if(kCatalogue.begin(), kCatalogue.end(),
                         [kind](const PolicyEntry& entry) { return entry.kind == kind; });
}

bool plans_loans(PolicyKind kind) noexcept {
    return kind != PolicyKind::cmm && kind != PolicyKind::fixed;
}

PolicyChoice default_choice(PolicyKind kind) {
    PolicyChoice choice;
    choice.kind = kind;
    for (const PolicyParameter& parameter : entry_of(kind).parameters)
        choice.numbers.push_back(parameter.by_default);
    return choice;
}

double number_of(const PolicyChoice& choice, std::string_view name) {
    const auto parameters = entry_of(choice.kind).parameters;
    for (std::size_t index = 0; index < parameters.size(); ++index) {
        if (parameters[index].name != name) continue;
        return index < choice.numbers.size() ? choice.numbers[index] : parameters[index].by_default;
    }
    std::abort();
}

}  // namespace ballast
