// What happened to a domain, in words.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/units.h"
#include "sim/report.h"

namespace ballast {
namespace {

struct Word {
    EventKind kind;
    std::string_view noun;
};
constexpr std::array<Word, 9> kEvents{{{EventKind::oom, "OOM"},
                                       {EventKind::hotplug_began, "hotplug"},
                                       {EventKind::hotplug_cancelled, "cancelled hotplug"},
                                       {EventKind::migration_began, "migration"},
                                       {EventKind::page_migrated, "page migration"},
                                       {EventKind::domain_paused, "pause"},
                                       {EventKind::domain_went, "stop"},
                                       {EventKind::domain_came, "start"},
                                       {EventKind::guest_rebooted, "reboot"}}};

void append(std::string& text, std::uint64_t count, std::string_view noun) {
    if (count == 0) return;
    fmt::format_to(std::back_inserter(text), "{}{} {}{}", text.empty() ? "" : ", ", count, noun,
                   count == 1 ? "" : "s");
}

}  // namespace

std::string happened_text(const DomainReport& domain) {
    std::string text;
    for (const Word& word : kEvents) {
        append(text, domain.events_by_kind[static_cast<std::size_t>(word.kind)], word.noun);
        if (word.kind == EventKind::oom && domain.oom_bytes > 0) {
            fmt::format_to(std::back_inserter(text), " ({} taken back)",
                           format_size(domain.oom_bytes));
        }
    }
    for (std::size_t i = 0; i < domain.short_moves.size(); ++i) {
        append(text, domain.short_moves[i],
               fmt::format("{} move", to_string(static_cast<StepStatus>(i))));
    }
    return text;
}

}  // namespace ballast
