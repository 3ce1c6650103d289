#include "conform/steps.h"

#include <algorithm>
#include <set>
#include <utility>

#include "conform/messages.h"
#include "conform/moves.h"
#include "conform/written.h"

namespace ballast::conform {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The kernel's log and the agent in the guest stamp the same moment this much apart at most.
constexpr Duration slack = milliseconds(3);
// A sample has been read so long after its stamp, whatever else ran on the guest's CPU meanwhile.
constexpr Duration longest_reading = milliseconds(50);

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
        Poll made{poll, std::nullopt, 0};
        if (poll.target_pages != poll.loaned_pages) {
            const bool lends = poll.target_pages > poll.loaned_pages;
            const auto move =
                move_behind(trace_, index_, lends, poll.loaned_pages, Duration::max());
            unsettled_.push_back({entry.at, move ? move->ended_at : entry.at + seconds(1)});
            if (move) {
                const std::uint64_t wanted = lends ? poll.target_pages - poll.loaned_pages
                                                   : poll.loaned_pages - poll.target_pages;
                if (move->ooms_are_known && move->pages == wanted)
                    made.unfulfilled_pages = move->unfulfilled_pages;
                made.freed_by_ooms_pages = move->freed_by_ooms();
                replay_ooms(*move, entry.at, lends);
                // No page to lend is left, or none that could be given back.
                if (move->unfulfilled_pages > 0)
                    page_fault(lends ? "guest_alloc" : "guest_free", "fail", entry.at,
                               move->moved_pages() + move->ooms.size());
            }
        }
        step(entry.at, entry.line, made);
    }

    // The OOMs in the middle of the move that Ballast makes at `at`, each at its page. Each takes a
    // call of its own: the driver asks again for the page.
    void replay_ooms(const LoggedMove& move, Duration at, bool lends) {
        for (std::size_t i = 0; i < move.ooms.size(); ++i) {
            const InnerOom& oom = move.ooms[i];
            page_fault(lends ? "guest_alloc" : "guest_free", "oom", at, oom.after_pages + i).times =
                1;
            inner_ooms_.insert(oom.line);
        }
    }

    // From the call after `skip` at that moment on.
    ScenarioFault& page_fault(const char* call, const char* answer, Duration at,
                              std::uint64_t skip) {
        ScenarioFault& fault = made_.faults.emplace_back();
        fault.call = call;
        fault.answer = answer;
        fault.from = at;
        fault.until = at + Duration{1};
        fault.skip = skip;
        return fault;
    }

    void take(const TraceEntry& entry, const TracedSample& sample) {
        step(entry.at, entry.line, Look{sample, false, read_by(), false});
    }

    // The agent does one thing after the other: it had read a sample when it stamped what came
    // next.
    Duration read_by() const {
        const TraceEntry& sample = trace_.entries[index_];
        for (std::size_t i = index_ + 1; i < trace_.entries.size(); ++i) {
            const TraceEntry& next = trace_.entries[i];
            if (next.at - sample.at >= longest_reading) break;
            if (next.line > sample.line && (std::holds_alternative<TracedSample>(next.what) ||
                                            std::holds_alternative<TracedAction>(next.what)))
                return next.at;
        }
        return sample.at + longest_reading;
    }

    void take(const TraceEntry& entry, const TracedMessage& message) {
        const std::string_view text = message.text;
        if (text == kOomStarted && inner_ooms_.count(entry.line) == 0) {
            event(entry.at, ScenarioAction::oom, 0, Duration{});
            unsettled_.push_back({entry.at, message_after(kOomComplete).value_or(entry.at)});
        }
        if (const auto suspended = number_after(text, kHotplugOccurred))
            step(entry.at, entry.line,
                 Aside{seconds(std::min<std::uint64_t>(*suspended, 1U << 30U))});
        else if (is_aside(text))
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
            const bool switches = *attribute == Attribute::disable;
            const Duration at = switches ? action.until : entry.at;
            step(at, entry.line, Write{*attribute, action.value, action.sys_errno});
            if (switches && done) give_everything_back(action);
        }
    }

    // What is lent goes back before the write returns; OOMs may come in the middle of it.
    void give_everything_back(const TracedAction& action) {
        const auto move = move_behind(trace_, index_, false, std::nullopt, action.until + slack);
        if (move) replay_ooms(*move, action.until, false);
    }

    void reboot(const TraceEntry& entry) {
        Reboot reboot;
        for (std::size_t i = index_ + 1; i < trace_.entries.size() && !reboot.freed_pages; ++i) {
            const auto* message = std::get_if<TracedMessage>(&trace_.entries[i].what);
            if (message != nullptr) reboot.freed_pages = number_after(message->text, kBeginFree);
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
            if (message == nullptr || message->text != kOfflineComplete) continue;
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
            look->changes =
                std::any_of(unsettled_.begin(), unsettled_.end(), [&](const Interval& interval) {
                    return interval.from > step.at && interval.from <= look->read_by;
                });
        }
    }

    static bool is_wake(const Step& step) {
        return std::holds_alternative<Poll>(step.what) || std::holds_alternative<Aside>(step.what);
    }

    // While the driver sleeps through a suspension, Ballast ticks every `delay`. The driver sleeps
    // for its hotplug delay, then for the delay that is set by then.
    void fill_sleeps() {
        const std::vector<std::pair<Duration, Duration>> delays = delays_set();
        const auto delay_at = [&delays](Duration at) {
            Duration delay = seconds(1);
            for (const auto& [since, value] : delays)
                if (since <= at) delay = value;
            return delay;
        };
        std::vector<Step> idle;
        for (std::size_t i = 0; i < made_.steps.size(); ++i) {
            const Step& step = made_.steps[i];
            const auto* const aside = std::get_if<Aside>(&step.what);
            if (aside == nullptr || !aside->suspended_for) continue;
            const auto next = std::find_if(made_.steps.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                           made_.steps.end(), ends_sleep);
            if (next == made_.steps.end()) continue;
            const Duration slept = step.at + *aside->suspended_for;
            const Duration last = delay_at(slept);
            const Duration end = std::min(slept + last, next->at - last / 2);
            for (Duration at = step.at + delay_at(step.at); at < end; at += delay_at(at))
                idle.push_back({at, step.line, Idle{}});
        }
        made_.steps.insert(made_.steps.end(), idle.begin(), idle.end());
        std::stable_sort(made_.steps.begin(), made_.steps.end(),
                         [](const Step& a, const Step& b) { return a.at < b.at; });
    }

    // The thread wakes up, or ends: switching the driver off ends it too.
    static bool ends_sleep(const Step& step) {
        const auto* const write = std::get_if<Write>(&step.what);
        return is_wake(step) || std::holds_alternative<Unload>(step.what) ||
               std::holds_alternative<Load>(step.what) ||
               (write != nullptr && write->attribute == Attribute::disable &&
                write->sys_errno == 0);
    }

    // When which delay was set, in order.
    std::vector<std::pair<Duration, Duration>> delays_set() const {
        std::vector<std::pair<Duration, Duration>> delays;
        for (const Step& step : made_.steps) {
            if (const auto* write = std::get_if<Write>(&step.what)) {
                const bool sets = write->attribute == Attribute::delay && write->sys_errno == 0;
                const auto same =
                    sets ? same_to_ballast(write->attribute, write->value) : std::nullopt;
                if (same) delays.emplace_back(step.at, seconds(std::stoll(same->text)));
            }
            if (const auto* load = std::get_if<Load>(&step.what)) {
                const std::size_t at = (' ' + load->parameters).find(" delay=");
                const auto given = at == std::string::npos
                                       ? std::nullopt
                                       : number_after(load->parameters.substr(at), "delay=");
                const std::uint64_t value = std::clamp<std::uint64_t>(given.value_or(1), 1, 3600);
                delays.emplace_back(step.at, seconds(static_cast<std::int64_t>(value)));
            }
        }
        return delays;
    }

    const Trace& trace_;
    std::size_t index_ = 0;
    Steps made_;
    std::vector<Interval> unsettled_;
    std::set<std::size_t> inner_ooms_;  // lines of OOMs that are replayed within a move
};

}  // namespace

Steps steps_of(const Trace& trace) {
    return Builder(trace).build();
}

}  // namespace ballast::conform
