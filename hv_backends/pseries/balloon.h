// The driver's side of lending, page by page: what cmm_alloc_pages, cmm_free_pages and
// cmm_migratepage do.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "hv_backends/pseries/faults.h"
#include "hv_backends/pseries/guest.h"
#include "hv_backends/pseries/hypervisor.h"
#include "model/constraint.h"

namespace ballast::pseries {

// What a move came to.
struct BalloonMove {
    std::uint64_t pages = 0;  // really moved
    // Why it stopped short; none if it did not.
    Constraint stopped_by = Constraint::none;
    std::string detail;
};

// The pages of one guest that its driver holds. Invariant: each of them is wholly loaned, every
// other page of the guest wholly active (docs/adr/0002-hcall-rollback.md), but for the pages in
// limbo. One thread.
class Balloon {
  public:
    // All outlive the balloon. `name` is the partition's, for faults. `hypervisor_calls` false: no
    // page is set loaned or active in the hypervisor, which holds none of them.
    Balloon(Hypervisor& hypervisor, PartitionId partition, Guest& guest, Faults& faults,
            std::string name, bool hypervisor_calls);

    // What runs where the guest runs out of memory in the middle of a move (a fault): its OOM
    // notifier, which may call deflate() and answers the pages that it freed. Never within itself,
    // as the kernel's OOM notifiers.
    void on_out_of_memory(std::function<std::uint64_t()> notifier) {
        notifier_ = std::move(notifier);
    }

    std::uint64_t loaned_pages() const noexcept { return pages_.size(); }
    // Pages that could be made neither wholly active nor wholly loaned, because the hypervisor
    // refused both. The driver keeps them and tries again at its next move.
    std::uint64_t limbo_pages() const noexcept { return limbo_.size(); }

    // Lends up to `pages`; before each one it looks whether a memory removal runs, and stops there.
    // Pages that an OOM takes back meanwhile are not lent again: loaned_pages() may have grown by
    // less than what the answer counts.
    BalloonMove inflate(std::uint64_t pages, bool hotplug_running);
    // Takes back up to `pages`, the last lent first; what an OOM takes back meanwhile comes on top.
    BalloonMove deflate(std::uint64_t pages);

    // Moves what is lent in `old_pages` to other frames: each new page is loaned before its old one
    // is made active. Answers how many could be moved; a refused loan leaves its page where it was.
    std::uint64_t migrate(const std::vector<Pfn>& old_pages);
    // The `count` pages lent last.
    std::vector<Pfn> newest(std::uint64_t count) const;

  private:
    // What becomes of the next page, once the OOMs that come first are over.
    PageAnswer next_page(Call call);
    HvStatus page_init(std::uint64_t flags, std::uint64_t address);
    HvStatus set_whole_page(Pfn pfn, std::uint64_t to, std::uint64_t from);
    enum class Page { active, loaned, limbo };
    Page state_of(Pfn pfn) const;
    void leave_limbo();
    void add_loaned(Pfn pfn);

    Hypervisor& hypervisor_;
    PartitionId partition_;
    Guest& guest_;
    Faults& faults_;
    std::string name_;
    bool hypervisor_calls_;
    std::function<std::uint64_t()> notifier_;
    bool notifying_ = false;
    int vain_ooms_ = 0;  // of this move, that freed nothing
    std::vector<Pfn> pages_;
    std::vector<Pfn> limbo_;
};

}  // namespace ballast::pseries
