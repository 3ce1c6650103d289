#include "conform/moves.h"

#include <algorithm>

#include "base/units.h"
#include "conform/messages.h"

namespace ballast::conform {
namespace {

// Reads the messages of one move, one after the other.
class MoveReader {
  public:
    explicit MoveReader(bool lends) : lends_(lends) {}

    // False: the move has ended.
    bool read(const TraceEntry& entry, std::string_view text) {
        if (text == kOomStarted) return oom_started(entry);
        if (text == kOomComplete) return oom_complete();
        if (const auto pages = number_after(text, kBeginRequest)) return begin(entry, *pages, true);
        if (const auto pages = number_after(text, kBeginFree)) return begin(entry, *pages, false);
        if (const auto left = number_after(text, kEndRequest)) return end(entry, *left);
        return true;
    }

    // What is written while a move runs may change what its later OOMs come to: they count by
    // themselves then.
    void attribute_written() noexcept { takes_ooms_ = false; }

    std::optional<LoggedMove> finish() {
        if (!ended_) return std::nullopt;
        return std::move(move_);
    }

  private:
    bool oom_started(const TraceEntry& entry) {
        ++open_ooms_;
        inner_oom_ = began_ && takes_ooms_;
        if (inner_oom_) move_.ooms.push_back({entry.line, entry.at, 0, 0});
        return true;
    }

    bool oom_complete() {
        if (open_ooms_ > 0) --open_ooms_;
        if (open_ooms_ > 0 || inner_pages_.empty()) return true;
        // Its end was lost on the way out of the guest.
        inner_pages_.clear();
        if (inner_oom_) move_.ooms_are_known = false;
        return true;
    }

    bool begin(const TraceEntry& entry, std::uint64_t pages, bool lends) {
        if (began_ || open_ooms_ > 0) {
            inner_pages_.push_back(pages);
            return true;
        }
        if (lends != lends_) return true;
        began_ = true;
        move_.pages = pages;
        move_.began_at = entry.at;
        return true;
    }

    bool end(const TraceEntry& entry, std::uint64_t left) {
        while (!inner_pages_.empty()) {
            const std::uint64_t pages = inner_pages_.back();
            inner_pages_.pop_back();
            if (left > pages) continue;
            if (inner_oom_ && open_ooms_ > 0) move_.ooms.back().freed_pages += pages - left;
            return true;
        }
        if (!began_ || left > move_.pages) return true;
        move_.unfulfilled_pages = left;
        move_.ended_at = entry.at;
        ended_ = true;
        return false;
    }

    bool lends_;
    bool began_ = false;
    bool ended_ = false;
    bool takes_ooms_ = true;
    bool inner_oom_ = false;  // the last OOM is one of the move's
    std::size_t open_ooms_ = 0;
    std::vector<std::uint64_t> inner_pages_;  // of begins without an end, outermost first
    LoggedMove move_;
};

bool changes_ooms(const TraceEntry& entry) {
    const auto* const action = std::get_if<TracedAction>(&entry.what);
    if (action == nullptr || action->op != "set" || action->sys_errno != 0) return false;
    const auto attribute = attribute_at(action->path);
    return attribute == Attribute::oom_freed_kb || attribute == Attribute::oom_kb;
}

// The loan target that the first settled sample behind the move shows, if nothing changes it
// before.
std::optional<std::uint64_t> target_behind(const Trace& trace, std::size_t from,
                                           const LoggedMove& move) {
    for (std::size_t i = from; i < trace.entries.size(); ++i) {
        const TraceEntry& entry = trace.entries[i];
        if (entry.at <= move.ended_at) continue;
        if (std::holds_alternative<TracedPoll>(entry.what)) return std::nullopt;
        const auto* const message = std::get_if<TracedMessage>(&entry.what);
        if (message != nullptr && message->text == kOomStarted) return std::nullopt;
        const auto* const sample = std::get_if<TracedSample>(&entry.what);
        if (sample == nullptr || !sample->loaded || sample->loaned_kib != sample->loaned_kib_after)
            continue;
        return sample->loan_target_kib / (trace.page_bytes / kKiB);
    }
    return std::nullopt;
}

std::uint64_t bounded(std::int64_t pages, std::uint64_t most) noexcept {
    return static_cast<std::uint64_t>(
        std::clamp(pages, std::int64_t{0}, static_cast<std::int64_t>(most)));
}

void place_ooms(const Trace& trace, std::size_t from, bool lends, std::uint64_t loaned_pages,
                LoggedMove& move) {
    if (move.ooms.empty()) return;
    const std::uint64_t moved = move.moved_pages();
    std::uint64_t most = moved;
    // A lending move that came short sets the target itself.
    const bool tells = move.ooms_are_known && !(lends && move.unfulfilled_pages > 0);
    const auto target = tells ? target_behind(trace, from, move) : std::nullopt;
    if (target) {
        const auto left = static_cast<std::int64_t>(*target + move.freed_by_ooms());
        const auto before = static_cast<std::int64_t>(loaned_pages);
        most = bounded(lends ? left - before : before - left, moved);
        move.ooms.back().after_pages = most;
    }
    const double lasted = static_cast<double>((move.ended_at - move.began_at).count());
    for (InnerOom& oom : move.ooms) {
        if (&oom == &move.ooms.back() && target) break;
        const double part =
            lasted > 0 ? static_cast<double>((oom.at - move.began_at).count()) / lasted : 0;
        const auto pages = static_cast<std::int64_t>(part * static_cast<double>(moved));
        oom.after_pages = bounded(pages, most);
    }
}

}  // namespace

std::uint64_t LoggedMove::freed_by_ooms() const noexcept {
    std::uint64_t freed = 0;
    for (const InnerOom& oom : ooms) freed += oom.freed_pages;
    return freed;
}

std::optional<LoggedMove> move_behind(const Trace& trace, std::size_t from, bool lends,
                                      std::optional<std::uint64_t> loaned_pages, Duration latest) {
    MoveReader reader(lends);
    for (std::size_t i = from + 1; i < trace.entries.size(); ++i) {
        const TraceEntry& entry = trace.entries[i];
        if (entry.at > latest || std::holds_alternative<TracedPoll>(entry.what)) break;
        if (changes_ooms(entry)) reader.attribute_written();
        const auto* const message = std::get_if<TracedMessage>(&entry.what);
        if (message == nullptr) continue;
        if (is_aside(message->text) || !reader.read(entry, message->text)) break;
    }
    auto move = reader.finish();
    if (move) place_ooms(trace, from, lends, loaned_pages.value_or(move->pages), *move);
    return move;
}

}  // namespace ballast::conform
