// cmm_migratepage, page by page.
#include "pseries_fixture.h"

using namespace ballast;
using namespace ballast::test;
using namespace ballast::pseries;

namespace {

// A guest of 64 pages of 64 KiB, in blocks of 1 MiB; the upper half is movable.
struct Rig {
    explicit Rig(std::vector<ScenarioFault> injected = {})
        : faults(*Faults::make(std::move(injected))),
          hypervisor(8 * kMiB, 0, faults),
          id(hypervisor.add_partition({"g", 4 * kMiB, kMiB, 4 * kMiB, 128})),
          guest({.page_shift = 16, .pages = 64, .block_pages = 16, .movable_pages = 32}),
          balloon(hypervisor, id, guest, faults, "g", true) {
        hypervisor.power_on(id);
        hypervisor.balance();
    }
    void check_books() const {
        CHECK(guest.audit() == "");
        CHECK(hypervisor.audit() == "");
        CHECK(hypervisor.loaned_bytes(id) == balloon.loaned_pages() * 64 * kKiB);
        CHECK(guest.managed_pages() + balloon.loaned_pages() == guest.online_pages());
        CHECK(guest.held_pages() == balloon.loaned_pages() + balloon.limbo_pages());
    }
    Faults faults;
    Hypervisor hypervisor;
    PartitionId id;
    Guest guest;
    Balloon balloon;
};

}  // namespace

TEST_CASE("a page that moves to another zone takes its managed count along") {
    Rig rig;
    REQUIRE(rig.balloon.inflate(32, false).pages == 32);  // all of the movable zone
    CHECK(rig.guest.managed_pages(Zone::movable) == 0);
    CHECK(rig.guest.managed_pages(Zone::normal) == 32);
    const std::vector<std::uint32_t> leaving = rig.guest.begin_offline(16);
    REQUIRE(leaving == std::vector<std::uint32_t>{3});
    CHECK(rig.balloon.migrate(rig.guest.held_in(3)) == 16);
    CHECK(rig.guest.managed_pages(Zone::movable) == 16);  // the leaving block's, all free
    CHECK(rig.guest.managed_pages(Zone::normal) == 16);
    CHECK(rig.balloon.loaned_pages() == 32);
    CHECK(rig.guest.is_empty(3));
    rig.check_books();
    REQUIRE(rig.hypervisor.release_block(rig.id, 3));
    rig.guest.finish_offline(3);
    CHECK(rig.guest.managed_pages(Zone::movable) == 0);
    rig.check_books();
}

TEST_CASE("a page whose new place the hypervisor refuses to take stays where it was") {
    Rig rig({fault("H_PAGE_INIT_LOANED", "H_HARDWARE", 16 * 32)});
    REQUIRE(rig.balloon.inflate(32, false).pages == 32);
    const std::vector<Pfn> before = rig.balloon.newest(32);
    CHECK(rig.balloon.migrate(rig.balloon.newest(4)) == 0);
    CHECK(rig.balloon.newest(32) == before);
    CHECK(rig.guest.managed_pages(Zone::movable) == 0);
    rig.check_books();
}

TEST_CASE("a page whose old place the hypervisor does not give back is lent as well, for a while") {
    // The first set-active fails, which is the first of the old page.
    Rig rig({fault("H_PAGE_INIT_ACTIVE", "H_HARDWARE", 0, 1)});
    REQUIRE(rig.balloon.inflate(8, false).pages == 8);
    CHECK(rig.balloon.migrate(rig.balloon.newest(1)) == 0);
    CHECK(rig.balloon.loaned_pages() == 9);
    rig.check_books();
    // A later poll sees one page too many and gives it back.
    CHECK(rig.balloon.deflate(1).pages == 1);
    CHECK(rig.balloon.loaned_pages() == 8);
    rig.check_books();
}

TEST_CASE("a page that was given back before it could move is left alone") {
    Rig rig;
    REQUIRE(rig.balloon.inflate(8, false).pages == 8);
    const std::vector<Pfn> isolated = rig.balloon.newest(4);
    REQUIRE(rig.balloon.deflate(2).pages == 2);  // the first two of them
    CHECK(rig.balloon.migrate(isolated) == 2);
    CHECK(rig.balloon.loaned_pages() == 6);
    rig.check_books();
}

TEST_CASE("moving stops where the guest has no page to move to") {
    Rig rig;
    REQUIRE(rig.guest.grow_used(24) == 24);
    REQUIRE(rig.balloon.inflate(40, false).pages == 40);
    CHECK(rig.guest.free_pages() == 0);
    CHECK(rig.balloon.migrate(rig.balloon.newest(4)) == 0);
    CHECK(rig.balloon.loaned_pages() == 40);
    rig.check_books();
}
