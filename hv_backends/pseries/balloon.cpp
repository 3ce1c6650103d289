#include "hv_backends/pseries/balloon.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace ballast::pseries {
namespace {

// A busy hypervisor is asked again so often. Simulated time does not pass between the attempts.
constexpr int kBusyRetries = 16;
constexpr int kLongBusyRetries = 4;
// A scenario may let every page run out of memory: a move goes on without after so many OOMs that
// freed nothing.
constexpr int kMostVainOoms = 1024;

}  // namespace

Balloon::Balloon(Hypervisor& hypervisor, PartitionId partition, Guest& guest, Faults& faults,
                 std::string name, bool hypervisor_calls)
    : hypervisor_(hypervisor),
      partition_(partition),
      guest_(guest),
      faults_(faults),
      name_(std::move(name)),
      hypervisor_calls_(hypervisor_calls) {}

PageAnswer Balloon::next_page(Call call) {
    // No OOM within an OOM: the kernel's killer holds a lock.
    if (notifying_) return PageAnswer::fine;
    while (vain_ooms_ < kMostVainOoms) {
        const PageAnswer answer = faults_.page_answer(call, name_);
        if (answer != PageAnswer::out_of_memory) return answer;
        notifying_ = true;
        const std::uint64_t freed = notifier_ ? notifier_() : 0;
        notifying_ = false;
        if (freed == 0) ++vain_ooms_;
    }
    return call == Call::guest_free ? PageAnswer::fine : PageAnswer::none;
}

HvStatus Balloon::page_init(std::uint64_t flags, std::uint64_t address) {
    int busy = 0;
    int long_busy = 0;
    for (;;) {
        const HvStatus status = hypervisor_.page_init(partition_, flags, address);
        if (status == HvStatus::success) return status;
        if (status == HvStatus::busy && busy++ < kBusyRetries) continue;
        if (long_busy_hint(status) && long_busy++ < kLongBusyRetries) continue;
        return status;
    }
}

// Sets each CMO page of a kernel page; after a failure, those before it are set back, the last
// first.
HvStatus Balloon::set_whole_page(Pfn pfn, std::uint64_t to, std::uint64_t from) {
    if (!hypervisor_calls_) return HvStatus::success;
    const std::uint64_t start = std::uint64_t{pfn} << guest_.page_shift();
    const std::uint64_t end = start + (std::uint64_t{1} << guest_.page_shift());
    for (std::uint64_t address = start; address < end; address += kCmoPageBytes) {
        const HvStatus status = page_init(to, address);
        if (status == HvStatus::success) continue;
        for (std::uint64_t undo = address; undo > start; undo -= kCmoPageBytes) {
            if (page_init(from, undo - kCmoPageBytes) == HvStatus::success) continue;
            // The way back is barred: try to get through to the other end instead.
            for (std::uint64_t again = undo; again < end; again += kCmoPageBytes) {
                if (page_init(to, again) != HvStatus::success) return status;  // in limbo
            }
            return HvStatus::success;
        }
        return status;
    }
    return HvStatus::success;
}

Balloon::Page Balloon::state_of(Pfn pfn) const {
    const std::uint64_t start = std::uint64_t{pfn} << guest_.page_shift();
    const std::uint64_t size = std::uint64_t{1} << guest_.page_shift();
    std::uint64_t loaned = 0;
    for (std::uint64_t offset = 0; offset < size; offset += kCmoPageBytes) {
        loaned += hypervisor_.is_loaned(partition_, start + offset) ? kCmoPageBytes : 0;
    }
    if (loaned == 0) return Page::active;
    return loaned == size ? Page::loaned : Page::limbo;
}

void Balloon::add_loaned(Pfn pfn) {
    guest_.adjust_managed(pfn, -1);
    pages_.push_back(pfn);
}

void Balloon::leave_limbo() {
    std::erase_if(limbo_, [this](Pfn pfn) {
        if (set_whole_page(pfn, kPageSetActive, kPageSetLoaned) != HvStatus::success &&
            state_of(pfn) != Page::active) {
            return false;
        }
        guest_.put_page(pfn);
        return true;
    });
}

BalloonMove Balloon::inflate(std::uint64_t pages, bool hotplug_running) {
    leave_limbo();
    vain_ooms_ = 0;
    BalloonMove move;
    const auto stop = [&move](Constraint constraint, std::string detail) {
        move.stopped_by = constraint;
        move.detail = std::move(detail);
        return move;
    };
    for (; move.pages < pages; ++move.pages) {
        if (hotplug_running || faults_.answer(Call::hotplug_trylock, name_) != HvStatus::success) {
            return stop(Constraint::hotplug, "a memory removal is running");
        }
        const bool denied = next_page(Call::guest_alloc) != PageAnswer::fine;
        const auto pfn = denied ? std::nullopt : guest_.take_page(Guest::Reserve::keep);
        if (!pfn) return stop(Constraint::backend_error, "the guest has no free page to lend");
        const HvStatus status = set_whole_page(*pfn, kPageSetLoaned, kPageSetActive);
        if (status == HvStatus::success) {
            add_loaned(*pfn);
            continue;
        }
        if (state_of(*pfn) == Page::limbo) {
            limbo_.push_back(*pfn);
        } else {
            guest_.put_page(*pfn);
        }
        return stop(Constraint::backend_error,
                    fmt::format("set-loaned answered {}", to_string(status)));
    }
    return move;
}

BalloonMove Balloon::deflate(std::uint64_t pages) {
    leave_limbo();
    if (!notifying_) vain_ooms_ = 0;
    BalloonMove move;
    for (; move.pages < pages && !pages_.empty(); ++move.pages) {
        const PageAnswer answer = next_page(Call::guest_free);
        if (pages_.empty()) break;  // an OOM took the rest
        if (answer != PageAnswer::fine) {
            move.stopped_by = Constraint::backend_error;
            move.detail = "the guest's driver finds no page to give back: they are isolated";
            return move;
        }
        const Pfn pfn = pages_.back();
        const HvStatus status = set_whole_page(pfn, kPageSetActive, kPageSetLoaned);
        if (status != HvStatus::success) {
            if (state_of(pfn) == Page::limbo) {
                pages_.pop_back();
                guest_.adjust_managed(pfn, 1);
                limbo_.push_back(pfn);
            }
            move.stopped_by = Constraint::backend_error;
            move.detail = fmt::format("set-active answered {}", to_string(status));
            return move;
        }
        pages_.pop_back();
        guest_.adjust_managed(pfn, 1);
        guest_.put_page(pfn);
    }
    return move;
}

std::uint64_t Balloon::migrate(const std::vector<Pfn>& old_pages) {
    leave_limbo();
    std::unordered_map<Pfn, std::size_t> position;
    for (std::size_t i = 0; i < pages_.size(); ++i) position[pages_[i]] = i;
    std::uint64_t moved = 0;
    for (const Pfn old_page : old_pages) {
        const auto found = position.find(old_page);
        if (found == position.end()) continue;  // in limbo
        const auto new_page = guest_.take_page(Guest::Reserve::use);
        if (!new_page) break;
        if (set_whole_page(*new_page, kPageSetLoaned, kPageSetActive) != HvStatus::success) {
            if (state_of(*new_page) == Page::limbo) {
                limbo_.push_back(*new_page);
            } else {
                guest_.put_page(*new_page);
            }
            continue;  // busy: the old page stays, nothing changed
        }
        pages_[found->second] = *new_page;
        // Each zone's managed count follows the page that is lent in it.
        guest_.adjust_managed(old_page, 1);
        guest_.adjust_managed(*new_page, -1);
        if (set_whole_page(old_page, kPageSetActive, kPageSetLoaned) == HvStatus::success) {
            guest_.put_page(old_page);
            ++moved;
        } else if (state_of(old_page) == Page::loaned) {
            add_loaned(old_page);  // both are lent now; a later poll gives one back
        } else {
            limbo_.push_back(old_page);
        }
    }
    return moved;
}

std::vector<Pfn> Balloon::newest(std::uint64_t count) const {
    const auto taken = static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(count, pages_.size()));
    return {pages_.end() - taken, pages_.end()};
}

}  // namespace ballast::pseries
