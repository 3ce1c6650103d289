#include "report/recorder.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace ballast::report {
namespace {

void widen(Envelope& envelope, std::size_t stretch, std::int64_t value) {
    if (value == kAbsent) return;
    std::int64_t& least = envelope.least[stretch];
    std::int64_t& most = envelope.most[stretch];
    least = least == kAbsent ? value : std::min(least, value);
    most = most == kAbsent ? value : std::max(most, value);
}

Envelope empty(std::size_t stretches) {
    return {std::vector<std::int64_t>(stretches, kAbsent),
            std::vector<std::int64_t>(stretches, kAbsent)};
}

std::int64_t weight(const Move& move) noexcept {
    const std::int64_t moved = std::abs(move.to_bytes - move.from_bytes);
    // Machines that come, go or are killed are few and explain the rest.
    const bool rare = move.reason.why == Why::came || move.reason.why == Why::went ||
                      move.reason.why == Why::killed || move.reason.why == Why::killed_programs;
    return rare ? std::numeric_limits<std::int64_t>::max() : moved;
}

// The earlier of two equals counts for more.
bool heavier(const Move& a, const Move& b) noexcept {
    const std::int64_t a_weight = weight(a);
    const std::int64_t b_weight = weight(b);
    return a_weight != b_weight ? a_weight > b_weight : a.at_s < b.at_s;
}

}  // namespace

// At most some three MB for series and one for moves; a chart narrower than 24 stretches says
// nothing.
Detail detail_for(std::size_t runs, std::size_t domains) noexcept {
    constexpr std::size_t kSeriesBytes = 2'400'000;
    constexpr std::size_t kBytesPerStretch = 5;  // two times two digits, one for stall
    constexpr std::size_t kHostSeries = 8;
    constexpr std::size_t kMoves = 16'000;
    constexpr std::size_t kMostDomains = 1000;
    const std::size_t several = std::max<std::size_t>(1, runs);
    Detail detail;
    detail.domains = std::min(domains, kMostDomains);
    detail.stretches = std::clamp<std::size_t>(
        kSeriesBytes / (kBytesPerStretch * several * (detail.domains + kHostSeries)), 24, 240);
    detail.moves = std::clamp<std::size_t>(kMoves / several, 40, 400);
    return detail;
}

HistoryRecorder::HistoryRecorder(double length_s, const Detail& detail)
    : stretch_s_(length_s / static_cast<double>(std::max<std::size_t>(1, detail.stretches))),
      detail_(detail) {
    const std::size_t stretches = std::max<std::size_t>(1, detail.stretches);
    for (Envelope* envelope : {&history_.host.kept, &history_.host.demand, &history_.host.resident,
                               &history_.host.available, &history_.host.swapped})
        *envelope = empty(stretches);
}

DomainHistory* HistoryRecorder::history_of(std::size_t domain) {
    if (domain >= detail_.domains) return nullptr;
    const std::size_t stretches = history_.host.kept.least.size();
    while (history_.domains.size() <= domain) {
        DomainHistory& fresh = history_.domains.emplace_back();
        fresh.kept = fresh.demand = empty(stretches);
        fresh.stall_share.resize(stretches);
        fresh.ooms.resize(stretches);
        fresh.kills.resize(stretches);
    }
    return &history_.domains[domain];
}

std::size_t HistoryRecorder::stretch(double at_s) const noexcept {
    const std::size_t last = history_.host.kept.least.size() - 1;
    const double at = stretch_s_ > 0 ? at_s / stretch_s_ : 0;
    return at < static_cast<double>(last) ? static_cast<std::size_t>(std::max(0.0, at)) : last;
}

void HistoryRecorder::add(double at_s, const HostFigures& host) {
    const std::size_t at = stretch(at_s);
    widen(history_.host.kept, at, host.kept);
    widen(history_.host.demand, at, host.demand);
    widen(history_.host.resident, at, host.resident);
    widen(history_.host.available, at, host.available);
    widen(history_.host.swapped, at, host.swapped);
}

void HistoryRecorder::add(double at_s, std::size_t domain, const DomainFigures& figures) {
    DomainHistory* const history = history_of(domain);
    if (history == nullptr) return;
    const std::size_t at = stretch(at_s);
    widen(history->kept, at, figures.kept);
    widen(history->demand, at, figures.demand);
    if (stretch_s_ > 0)
        history->stall_share[at] =
            std::min(1.0, history->stall_share[at] + figures.stall_s / stretch_s_);
}

void HistoryRecorder::add_oom(double at_s, std::size_t domain) {
    if (DomainHistory* const history = history_of(domain)) ++history->ooms[stretch(at_s)];
}

void HistoryRecorder::add_kill(double at_s, std::size_t domain) {
    if (DomainHistory* const history = history_of(domain)) ++history->kills[stretch(at_s)];
}

void HistoryRecorder::add(Move move) {
    Heaviest& list = is_decision(move.reason.why) ? decisions_ : happenings_;
    ++list.seen;
    if (detail_.moves == 0) return;
    if (list.kept.size() == detail_.moves) {
        if (!heavier(move, list.kept.front())) return;
        std::pop_heap(list.kept.begin(), list.kept.end(), heavier);
        list.kept.pop_back();
    }
    list.kept.push_back(std::move(move));
    std::push_heap(list.kept.begin(), list.kept.end(), heavier);
}

RunHistory HistoryRecorder::take() {
    for (Heaviest* list : {&decisions_, &happenings_})
        std::sort_heap(list->kept.begin(), list->kept.end(), heavier);
    const std::size_t half = detail_.moves / 2;
    const std::size_t happened =
        std::min(happenings_.kept.size(),
                 std::max(half, detail_.moves - std::min(detail_.moves, decisions_.kept.size())));
    const std::size_t decided = std::min(decisions_.kept.size(), detail_.moves - happened);
    happenings_.kept.resize(happened);
    decisions_.kept.resize(decided);
    history_.happenings_left_out = happenings_.seen - happened;
    history_.decisions_left_out = decisions_.seen - decided;
    history_.moves = std::move(decisions_.kept);
    history_.moves.insert(history_.moves.end(), std::make_move_iterator(happenings_.kept.begin()),
                          std::make_move_iterator(happenings_.kept.end()));
    std::stable_sort(history_.moves.begin(), history_.moves.end(),
                     [](const Move& a, const Move& b) {
                         return a.at_s != b.at_s ? a.at_s < b.at_s : a.domain < b.domain;
                     });
    return std::move(history_);
}

}  // namespace ballast::report
