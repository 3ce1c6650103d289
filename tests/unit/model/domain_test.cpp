// The table of domains.
#include "model/domain.h"

#include <catch2/catch.hpp>

using namespace ballast;

TEST_CASE("a row's figures are copied from another table's row, its key and name stay") {
    DomainTable from;
    from.resize(2);
    from.key[1] = key_from_name("there");
    from.name[1] = "there";
    from.page_shift[1] = 16;
    from.flags[1] = DomainFlags::paused;
    from.total_bytes[1] = 1;
    from.loaned_bytes[1] = 2;
    from.loan_request_bytes[1] = -3;
    from.unused_bytes[1] = 4;
    from.usable_bytes[1] = 5;
    from.cache_bytes[1] = 6;
    from.major_faults[1] = 7;
    from.swapped_in_bytes[1] = 8;
    from.swapped_out_bytes[1] = 9;
    from.resident_bytes[1] = 10;
    DomainTable into;
    into.resize(1);
    into.key[0] = key_from_name("here");
    into.name[0] = "here";
    into.copy_figures(0, from, 1);
    CHECK(into.key[0] == key_from_name("here"));
    CHECK(into.name[0] == "here");
    CHECK(into.page_shift[0] == 16);
    CHECK(into.flags[0] == DomainFlags::paused);
    CHECK(into.total_bytes[0] == 1);
    CHECK(into.loaned_bytes[0] == 2);
    CHECK(into.loan_request_bytes[0] == -3);
    CHECK(into.unused_bytes[0] == 4);
    CHECK(into.usable_bytes[0] == 5);
    CHECK(into.cache_bytes[0] == 6);
    CHECK(into.major_faults[0] == 7);
    CHECK(into.swapped_in_bytes[0] == 8);
    CHECK(into.swapped_out_bytes[0] == 9);
    CHECK(into.resident_bytes[0] == 10);
}
