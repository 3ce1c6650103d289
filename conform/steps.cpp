#include "conform/steps.h"

#include <algorithm>
#include <charconv>

#include "conform/written.h"

namespace ballast::conform {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The kernel's log and the agent in the guest stamp the same moment this much apart at most.
constexpr Duration slack = milliseconds(3);

constexpr std::string_view parameters_folder = "/sys/module/cmm/parameters/";
constexpr std::string_view attributes_folder = "/sys/devices/system/cmm/cmm0/";

bool starts_with(std::string_view text, std::string_view prefix) {
    return text.substr(0, prefix.size()) == prefix;
}

std::optional<Attribute> attribute_at(std::string_view path) {
    for (const std::string_view folder : {parameters_folder, attributes_folder}) {
        if (!starts_with(path, folder)) continue;
        const auto attribute = attribute_from_name(path.substr(folder.size()));
        if (attribute) return *attribute;
    }
    return std::nullopt;
}

// The number after `prefix`, if `text` begins with it.
std::optional<std::uint64_t> number_after(std::string_view text, std::string_view prefix) {
    if (!starts_with(text, prefix)) return std::nullopt;
    text.remove_prefix(prefix.size());
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end == text.data()) return std::nullopt;
    return number;
}

class Builder {
  public:
    explicit Builder(const Trace& trace) : trace_(trace) {}

    Steps build() {
        for (index_ = 0; index_ < trace_.entries.size(); ++index_) {
            const TraceEntry& entry = trace_.entries[index_];
            std::visit([&](const auto& what) { take(entry, what); }, entry.what);
        }
        std::stable_sort(made_.steps.begin(), made_.steps.end(),
                         [](const Step& a, const Step& b) { return a.at < b.at; });
        mark_unsettled();
        fill_sleeps();
        return std::move(made_);
    }

  private:
    struct Interval {
        Duration from{};
        Duration to{};
    };

    template <class What>
    void step(Duration at, std::size_t line, What what) {
        made_.steps.push_back({at, line, std::move(what)});
    }

    void take(const TraceEntry& entry, const TracedPoll& poll) {
        Poll made{poll, std::nullopt};
        if (poll.target_pages != poll.loaned_pages) {
            const Move move = move_after(entry, poll);
            made.unfulfilled_pages = move.unfulfilled_pages;
            unsettled_.push_back({entry.at, move.ended_at});
            if (poll.target_pages > poll.loaned_pages && move.unfulfilled_pages.value_or(0) > 0)
                deny(entry.at, poll.target_pages - poll.loaned_pages - *move.unfulfilled_pages);
        }
        step(entry.at, entry.line, made);
    }

    // "Begin request for N pages", or "Begin free of N pages.", and "End request with M pages
    // unfulfilled".
    struct Move {
        std::optional<std::uint64_t> unfulfilled_pages;
        Duration ended_at{};
    };
    Move move_after(const TraceEntry& entry, const TracedPoll& poll) const {
        const bool takes = poll.target_pages > poll.loaned_pages;
        const std::uint64_t pages =
            takes ? poll.target_pages - poll.loaned_pages : poll.loaned_pages - poll.target_pages;
        bool began = false;
        for (std::size_t i = index_ + 1; i < trace_.entries.size(); ++i) {
            const TraceEntry& next = trace_.entries[i];
            if (std::holds_alternative<TracedPoll>(next.what)) break;
            const auto* message = std::get_if<TracedMessage>(&next.what);
            if (message == nullptr) continue;
            const std::string_view text = message->text;
            if (number_after(text, takes ? "cmm: Begin request for " : "cmm: Begin free of ") ==
                pages)
                began = true;
            const auto left = number_after(text, "cmm: End request with ");
            if (began && left) return {left, next.at};
        }
        return {std::nullopt, entry.at + seconds(1)};
    }

    // The guest's allocator gives `pages` at that poll and no more.
    void deny(Duration at, std::uint64_t pages) {
        ScenarioFault fault;
        fault.call = "guest_alloc";
        fault.answer = "none left";
        fault.from = at;
        fault.until = at + Duration{1};
        fault.skip = pages;
        made_.faults.push_back(std::move(fault));
    }

    void take(const TraceEntry& entry, const TracedSample& sample) {
        step(entry.at, entry.line, Look{sample, false});
    }

    void take(const TraceEntry& entry, const TracedMessage& message) {
        const std::string_view text = message.text;
        if (text == "cmm: OOM processing started") {
            event(entry.at, ScenarioAction::oom, 0, Duration{});
            unsettled_.push_back(
                {entry.at, message_after("cmm: OOM processing complete").value_or(entry.at)});
        }
        if (starts_with(text, "cmm: Hotplug operation has occurred") ||
            starts_with(text, "cmm: Hotplug operation in progress"))
            step(entry.at, entry.line, Aside{});
        if (starts_with(text, "kernel BUG at") || starts_with(text, "Oops:") ||
            starts_with(text, "Kernel panic"))
            step(entry.at, entry.line, End{"the kernel crashed"});
    }

    std::optional<Duration> message_after(std::string_view wanted) const {
        for (std::size_t i = index_ + 1; i < trace_.entries.size(); ++i) {
            const auto* message = std::get_if<TracedMessage>(&trace_.entries[i].what);
            if (message != nullptr && message->text == wanted) return trace_.entries[i].at;
        }
        return std::nullopt;
    }

    void take(const TraceEntry& entry, const TracedAction& action) {
        const bool done = action.sys_errno == 0;
        if (action.op == "insmod")
            step(action.until, entry.line, Load{action.path, action.sys_errno});
        if (action.op == "rmmod" && action.path == "cmm" && done)
            step(action.until, entry.line, Unload{});
        if (action.op == "reboot" && done) reboot(entry);
        if (action.op == "mem" || action.op == "bgmem") memory_block(entry, action);
        const auto attribute = attribute_at(action.path);
        if (!attribute) return;
        if (action.op == "get" && done) step(entry.at, entry.line, Read{*attribute, action.value});
        if (action.op == "set") {
            // What is switched off is off when the write returns: it waits for the thread.
            const Duration at = *attribute == Attribute::disable ? action.until : entry.at;
            step(at, entry.line, Write{*attribute, action.value, action.sys_errno});
        }
    }

    void reboot(const TraceEntry& entry) {
        Reboot reboot;
        for (std::size_t i = index_ + 1; i < trace_.entries.size() && !reboot.freed_pages; ++i) {
            const auto* message = std::get_if<TracedMessage>(&trace_.entries[i].what);
            if (message != nullptr)
                reboot.freed_pages = number_after(message->text, "cmm: Begin free of ");
        }
        step(entry.at, entry.line, reboot);
        step(entry.at, entry.line, End{"the guest rebooted"});
    }

    void memory_block(const TraceEntry& entry, const TracedAction& action) {
        const bool done = action.sys_errno == 0;
        if (action.value == "online" && done) {
            event(action.until, ScenarioAction::hotplug_add, trace_.block_bytes, Duration{});
            unsettled_.push_back({entry.at, action.until});
        }
        if (action.value != "offline") return;
        // Only a removal that reached the driver ends with this line, done or cancelled.
        Duration began = entry.at;
        for (const TraceEntry& other : trace_.entries) {
            if (other.at < entry.at) continue;
            if (other.at > action.until + slack) return;
            // A poll that decided had the lock: the removal cannot have begun before.
            if (std::holds_alternative<TracedPoll>(other.what)) began = other.at + Duration{1};
            const auto* message = std::get_if<TracedMessage>(&other.what);
            if (message == nullptr || message->text != "cmm: Memory offline operation complete.")
                continue;
            event(began, done ? ScenarioAction::hotplug_remove : ScenarioAction::hotplug_cancel,
                  trace_.block_bytes, std::max(other.at - began, Duration{1}));
            unsettled_.push_back({entry.at, std::max(other.at, action.until)});
            return;
        }
    }

    void event(Duration at, ScenarioAction action, std::uint64_t bytes, Duration lasts) {
        ScenarioEvent made;
        made.at = at;
        made.action = action;
        made.bytes = bytes;
        made.lasts = lasts;
        made_.events.push_back(std::move(made));
    }

    void mark_unsettled() {
        for (Step& step : made_.steps) {
            auto* look = std::get_if<Look>(&step.what);
            if (look == nullptr) continue;
            look->unsettled = std::any_of(
                unsettled_.begin(), unsettled_.end(), [&step](const Interval& interval) {
                    return step.at >= interval.from - slack && step.at <= interval.to + slack;
                });
        }
    }

    static bool is_wake(const Step& step) {
        return std::holds_alternative<Poll>(step.what) || std::holds_alternative<Aside>(step.what);
    }

    // While the driver sleeps through a suspension, Ballast ticks every `delay`.
    void fill_sleeps() {
        std::vector<Step> idle;
        Duration delay = seconds(1);
        for (std::size_t i = 0; i < made_.steps.size(); ++i) {
            const Step& step = made_.steps[i];
            if (const auto* write = std::get_if<Write>(&step.what)) {
                const bool sets = write->attribute == Attribute::delay && write->sys_errno == 0;
                const auto same =
                    sets ? same_to_ballast(write->attribute, write->value) : std::nullopt;
                if (same) delay = seconds(std::stoll(same->text));
            }
            if (const auto* load = std::get_if<Load>(&step.what)) {
                const std::size_t at = (' ' + load->parameters).find(" delay=");
                const auto given = at == std::string::npos
                                       ? std::nullopt
                                       : number_after(load->parameters.substr(at), "delay=");
                delay = seconds(std::clamp<std::int64_t>(
                    static_cast<std::int64_t>(std::min<std::uint64_t>(given.value_or(1), 3600)), 1,
                    3600));
            }
            if (!std::holds_alternative<Aside>(step.what)) continue;
            const auto next = std::find_if(made_.steps.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                           made_.steps.end(), [](const Step& later) {
                                               return is_wake(later) ||
                                                      std::holds_alternative<Unload>(later.what) ||
                                                      std::holds_alternative<Load>(later.what);
                                           });
            if (next == made_.steps.end()) continue;
            for (Duration at = step.at + delay; at <= next->at - delay / 2; at += delay)
                idle.push_back({at, step.line, Idle{}});
        }
        made_.steps.insert(made_.steps.end(), idle.begin(), idle.end());
        std::stable_sort(made_.steps.begin(), made_.steps.end(),
                         [](const Step& a, const Step& b) { return a.at < b.at; });
    }

    const Trace& trace_;
    std::size_t index_ = 0;
    Steps made_;
    std::vector<Interval> unsettled_;
};

}  // namespace

Steps steps_of(const Trace& trace) {
    return Builder(trace).build();
}

}  // namespace ballast::conform
