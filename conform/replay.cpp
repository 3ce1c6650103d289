#include "conform/replay.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "base/units.h"
#include "conform/desk.h"
#include "conform/steps.h"
#include "conform/written.h"

namespace ballast::conform {
namespace {

constexpr const char* between = "samples between a decision and its effect";
constexpr const char* torn = "samples whose first and last reading differ";
constexpr const char* odd_write = "writes that the driver takes and Ballast refuses";
constexpr const char* odd_read = "readings of debug, and of what Ballast does not take";
constexpr const char* beyond = "deltas of requests beyond what Ballast takes";
constexpr const char* no_hypervisor = "loads that failed for what the machine lacks";
constexpr const char* not_loaded = "polls and attributes of a driver that is not loaded";

std::string answer_of(int sys_errno) {
    return sys_errno == 0 ? "done" : fmt::format("refused: {}", strerrorname_np(sys_errno));
}

class Replay {
  public:
    Replay(const Trace& trace, Desk& desk) : trace_(trace), desk_(desk) {
        comparison_.name = trace.name;
    }

    // False: the comparison ends here.
    bool run(const Step& step) {
        if (late_ != nullptr && step.at >= look_of(*late_).read_by) end_late_look();
        step_ = &step;
        desk_.advance_to(step.at);
        std::visit([this](const auto& what) { take(what); }, step.what);
        if (late_ != nullptr && late_ != &step) try_late_look();
        return comparison_.ended.empty();
    }

    Comparison finish() {
        if (late_ != nullptr && comparison_.ended.empty()) end_late_look();
        return std::move(comparison_);
    }

  private:
    template <class Value>
    void check(std::string_view what, const Value& driver, const Value& ballast) {
        ++comparison_.compared;
        if (driver == ballast) return;
        ++comparison_.differ;
        if (comparison_.first) return;
        comparison_.first = Difference{step_->line,
                                       step_->at,
                                       std::string(what),
                                       fmt::format("{}", driver),
                                       fmt::format("{}", ballast),
                                       explanation_};
    }

    void leave_out(const char* rule) { ++comparison_.left_out[rule]; }

    std::uint64_t pages(std::uint64_t bytes) const { return bytes / trace_.page_bytes; }

    void take(const Load& load) {
        if (load.sys_errno != 0 && load.sys_errno != EINVAL) return leave_out(no_hypervisor);
        const auto loaded = desk_.load(load.parameters);
        explanation_ = loaded ? "" : loaded.error().context;
        check("load", answer_of(load.sys_errno), answer_of(loaded ? 0 : EINVAL));
    }

    void take(const Unload&) {
        desk_.unload();
        cut_.clear();
    }

    void take(const Reboot& reboot) {
        if (reboot.freed_pages)
            check("pages given back by the reboot", *reboot.freed_pages,
                  pages(desk_.memory().loaned_bytes));
        desk_.unload();
        check<std::uint64_t>("loaned pages after the reboot", 0,
                             pages(desk_.memory().loaned_bytes));
    }

    void take(const Write& write) {
        if (!desk_.loaded()) return leave_out(not_loaded);
        const std::string_view name = to_string(write.attribute);
        const auto done = desk_.set(name, write.value);
        const int answer = done ? 0 : done.error().sys_errno;
        if (write.sys_errno == 0 && answer != 0) {
            // Refused on purpose; go on with the value that the driver read in it.
            const auto same = same_to_ballast(write.attribute, write.value);
            if (same && desk_.set(name, same->text)) {
                cut_[write.attribute] = !same->exact;
                return leave_out(odd_write);
            }
        }
        if (done) cut_[write.attribute] = false;
        explanation_ = done ? "" : done.error().context;
        check(fmt::format("writing '{}' to {}", write.value, name), answer_of(write.sys_errno),
              answer_of(answer));
    }

    void take(const Read& read) {
        if (!desk_.loaded()) return leave_out(not_loaded);
        if (read.attribute == Attribute::debug || cut_[read.attribute]) return leave_out(odd_read);
        const auto value = desk_.get(to_string(read.attribute));
        std::string shown = value ? *value : "";
        if (read.attribute == Attribute::simulate) shown = shown == "1" ? "Y" : "N";
        if (read.attribute == Attribute::simulate_loan_target_kb) {
            // The driver shows it in hexadecimal.
            shown = fmt::format("{:x}", std::strtoull(shown.c_str(), nullptr, 10));
        }
        check(fmt::format("reading {}", to_string(read.attribute)), read.value, shown);
    }

    void take(const Poll& poll) {
        if (!desk_.loaded()) return leave_out(not_loaded);
        const Desk::Poll made = desk_.poll();
        const Decision& decision = made.decision;
        explanation_ = made.explanation;
        const TracedPoll& traced = poll.traced;
        const auto page = static_cast<std::int64_t>(trace_.page_bytes);
        const bool aside = decision.constraint == Constraint::hotplug ||
                           decision.constraint == Constraint::disabled;
        check<std::string_view>(
            "the poll", "decides",
            aside && decision.outcome == StepStatus::done ? "stands aside" : "decides");
        if (cut_[Attribute::simulate_loan_target_kb])
            leave_out(beyond);
        else
            check("request (delta), pages", traced.delta_pages, decision.request_bytes / page);
        check("loaned before, pages", traced.loaned_pages, pages(decision.loaned_before_bytes));
        check("loan target, pages", traced.target_pages, pages(decision.decided_bytes));
        check("OOM credit, pages", traced.oom_pages, pages(decision.oom_freed_bytes));
        check("managed memory (totalram), pages", traced.managed_pages,
              pages(decision.total_bytes - decision.loaned_before_bytes));
        if (!poll.unfulfilled_pages) return;
        const bool takes = traced.target_pages > traced.loaned_pages;
        check("loaned after, pages",
              (takes ? traced.target_pages - *poll.unfulfilled_pages
                     : traced.target_pages + *poll.unfulfilled_pages) -
                  poll.freed_by_ooms_pages,
              pages(decision.loaned_after_bytes));
    }

    void take(const Aside&) { stand_aside("hotplug"); }
    void take(const Idle&) { stand_aside("sleep"); }

    void stand_aside(std::string_view why) {
        if (!desk_.loaded()) return leave_out(not_loaded);
        const Desk::Poll made = desk_.poll();
        explanation_ = made.explanation;
        check(fmt::format("loaned after standing aside ({}), pages", why),
              pages(made.decision.loaned_before_bytes), pages(made.decision.loaned_after_bytes));
        check<std::string_view>("the tick", to_string(Constraint::hotplug),
                                made.decision.constraint == Constraint::disabled
                                    ? to_string(Constraint::hotplug)
                                    : to_string(made.decision.constraint));
    }

    void take(const Look& look) {
        if (look.unsettled) return leave_out(between);
        if (look.changes && !agrees(look)) {
            late_ = step_;
            return;
        }
        compare(look);
    }

    // A sample that was read after something had changed, though it was stamped before, is compared
    // when it has changed.
    void try_late_look() {
        if (!agrees(look_of(*late_))) return;
        step_ = std::exchange(late_, nullptr);
        compare(look_of(*step_));
    }

    // It has been read by now. What agrees neither with before nor with after was read in between.
    void end_late_look() {
        desk_.advance_to(look_of(*late_).read_by);
        try_late_look();
        if (std::exchange(late_, nullptr) != nullptr) leave_out(between);
    }

    static const Look& look_of(const Step& step) { return std::get<Look>(step.what); }

    bool agrees(const Look& look) {
        const TracedSample& traced = look.traced;
        if (traced.loaded != desk_.loaded()) return false;
        if (traced.managed_kib != desk_.memory().managed_bytes / kKiB) return false;
        return !traced.loaded ||
               (std::to_string(traced.loaned_kib) == shown("loaned_kb") &&
                std::to_string(traced.loan_target_kib) == shown("loaned_target_kb") &&
                std::to_string(traced.oom_freed_kib) == shown("oom_freed_kb"));
    }

    void compare(const Look& look) {
        const TracedSample& traced = look.traced;
        check<std::string_view>("the driver", traced.loaded ? "loaded" : "not loaded",
                                desk_.loaded() ? "loaded" : "not loaded");
        if (traced.loaded != desk_.loaded()) return;
        if (traced.loaded && traced.loaned_kib != traced.loaned_kib_after) return leave_out(torn);
        if (traced.loaded) {
            check("loaned_kb", std::to_string(traced.loaned_kib), shown("loaned_kb"));
            check("loaned_target_kb", std::to_string(traced.loan_target_kib),
                  shown("loaned_target_kb"));
            check("oom_freed_kb", std::to_string(traced.oom_freed_kib), shown("oom_freed_kb"));
        }
        check("managed memory (MemTotal), KiB", traced.managed_kib,
              desk_.memory().managed_bytes / kKiB);
    }

    void take(const End& end) { comparison_.ended = end.why; }

    std::string shown(std::string_view attribute) const {
        const auto value = desk_.get(attribute);
        return value ? *value : value.error().context;
    }

    const Trace& trace_;
    Desk& desk_;
    const Step* step_ = nullptr;
    const Step* late_ = nullptr;  // a Look that does not agree yet
    std::string explanation_;
    std::map<Attribute, bool> cut_;  // holds another value than the driver: see Same
    Comparison comparison_;
};

}  // namespace

Result<Comparison> replay(const Trace& trace, const RuleSet& rules) {
    Steps steps = steps_of(trace);
    auto desk = Desk::make(trace, std::move(steps.events), std::move(steps.faults), rules);
    if (!desk) return with_context(desk.error(), trace.name);
    // What the controller would log has the wrong time, and is in the trace.
    const log::Redirect quiet([](log::Level, std::string_view) {});
    Replay replay(trace, **desk);
    for (const Step& step : steps.steps) {
        if (!replay.run(step)) break;
    }
    return replay.finish();
}

}  // namespace ballast::conform
