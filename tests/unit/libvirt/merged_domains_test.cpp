// Tables of several connections, merged into one.
#include "hv_backends/libvirt/merged_domains.h"

#include <catch2/catch.hpp>
#include <string>

using namespace ballast;

namespace {

// What one connection tells; each change of its rows raises its membership.
struct Told {
    DomainTable table;
    bool answered = true;
    bool late_start = false;

    void add(const std::string& name, std::uint64_t loaned_bytes = 0,
             DomainFlags flags = DomainFlags::none) {
        const std::size_t row = table.size();
        table.resize(row + 1);
        table.key[row] = key_from_name(name);
        table.name[row] = name;
        table.loaned_bytes[row] = loaned_bytes;
        table.flags[row] = flags;
        ++table.membership;
    }
    void remove(std::size_t row) {
        table.remove_row(row);
        ++table.membership;
    }
};

struct Merge {
    Told first;
    Told second;
    MergedDomains merged;
    DomainTable seen;

    bool run() {
        const ToldDomains told[] = {{&first.table, first.answered, first.late_start, "alpha"},
                                    {&second.table, second.answered, second.late_start, "beta"}};
        return merged.merge(told, seen);
    }
    std::size_t owner(const std::string& name) const {
        const auto place = merged.find(0, key_from_name(name));
        REQUIRE(place);
        return place->connection;
    }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("rows of all connections stand in one table, and keep their order") {
    Merge merge;
    merge.first.add("a", 4096);
    merge.second.add("b", 8192);
    merge.second.add("c");
    CHECK(merge.run());
    CHECK(merge.seen.name == Names{"a", "b", "c"});
    CHECK(merge.seen.loaned_bytes == std::vector<std::uint64_t>{4096, 8192, 0});
    const std::uint64_t before = merge.seen.membership;

    merge.second.table.loaned_bytes[0] = 12288;
    CHECK_FALSE(merge.run());
    CHECK(merge.seen.loaned_bytes[1] == 12288);
    CHECK(merge.seen.membership == before);

    merge.first.add("d");
    CHECK(merge.run());
    CHECK(merge.seen.name == Names{"a", "b", "c", "d"});
    CHECK(merge.seen.membership > before);
    CHECK(merge.merged.find(3, key_from_name("d")) == MergedDomains::Place{0, 1});
    CHECK(merge.merged.find(17, key_from_name("c")) == MergedDomains::Place{1, 1});
    CHECK_FALSE(merge.merged.find(0, key_from_name("x")));
}

TEST_CASE("a row goes when its connection answers without it, and a name follows") {
    Merge merge;
    merge.first.add("a");
    merge.first.add("b");
    merge.second.add("c");
    merge.run();
    const std::uint64_t before = merge.seen.membership;
    merge.first.remove(0);
    merge.run();
    CHECK(merge.seen.name == Names{"c", "b"});
    CHECK(merge.seen.membership > before);
    CHECK_FALSE(merge.merged.find(0, key_from_name("a")));

    const std::uint64_t without = merge.seen.membership;
    merge.second.table.name[0] = "renamed";
    ++merge.second.table.membership;
    merge.run();
    CHECK(merge.seen.name == Names{"renamed", "b"});
    CHECK(merge.seen.membership > without);
}

TEST_CASE("rows of a connection that did not answer stay as they were, unanswered") {
    Merge merge;
    merge.first.add("a", 4096, DomainFlags::deflate_on_oom);
    merge.second.add("b");
    merge.run();
    const std::uint64_t before = merge.seen.membership;
    merge.first.answered = false;
    merge.run();
    CHECK(merge.seen.flags[0] == (DomainFlags::deflate_on_oom | DomainFlags::unanswered));
    CHECK(merge.seen.flags[1] == DomainFlags::none);
    CHECK(merge.seen.loaned_bytes[0] == 4096);
    CHECK(merge.seen.membership == before);

    DomainTable other;
    std::swap(other, merge.seen);
    merge.run();
    CHECK(merge.seen.name == other.name);
    CHECK(merge.seen.loaned_bytes[0] == 4096);
    CHECK(merge.seen.membership > before);
}

TEST_CASE("domains of a connection that answers for the first time later count as carried over") {
    Merge merge;
    merge.first.add("a");
    merge.run();
    merge.second.add("b");
    merge.second.late_start = true;
    merge.run();
    CHECK(merge.seen.flags[0] == DomainFlags::none);
    CHECK(merge.seen.flags[1] == DomainFlags::carried_over);
}

TEST_CASE("a domain that migrates keeps its one row, and is the one's where it runs") {
    Merge merge;
    merge.first.add("a", 4096);
    merge.second.add("b");
    merge.run();
    const std::uint64_t before = merge.seen.membership;

    // On its way in: there already, and not running.
    merge.second.add("a", 0, DomainFlags::paused | DomainFlags::migrating);
    merge.run();
    CHECK(merge.owner("a") == 0);
    CHECK(merge.seen.loaned_bytes[0] == 4096);

    SECTION("it has arrived, and its source is about to go") {
        merge.second.table.flags[1] = DomainFlags::carried_over;
        merge.first.table.flags[0] = DomainFlags::paused | DomainFlags::migrating;
        CHECK(merge.run());
        CHECK(merge.owner("a") == 1);
        merge.first.remove(0);
        merge.run();
        CHECK(merge.owner("a") == 1);
    }
    SECTION("its source is gone before it runs") {
        merge.first.remove(0);
        merge.run();
        CHECK(merge.owner("a") == 1);
        CHECK(has(merge.seen.flags[0], DomainFlags::migrating));
    }
    SECTION("its source does not answer any more") {
        merge.first.answered = false;
        merge.run();
        CHECK(merge.owner("a") == 0);
        CHECK(has(merge.seen.flags[0], DomainFlags::unanswered));
        merge.second.table.flags[1] = DomainFlags::carried_over;
        merge.run();
        CHECK(merge.owner("a") == 1);
        CHECK_FALSE(has(merge.seen.flags[0], DomainFlags::unanswered));
    }
    CHECK(merge.seen.name == Names{"a", "b"});
    CHECK(merge.seen.host == Names{"beta", "beta"});
    CHECK(merge.seen.membership == before + 1);  // once, for its new host
    CHECK(merge.merged.owners().size() == 2);
}

TEST_CASE("a host that is told of twice has each domain once, and they stay whose they are") {
    Merge merge;
    merge.first.add("a");
    merge.second.add("a");
    merge.run();
    CHECK(merge.seen.size() == 1);
    CHECK(merge.owner("a") == 0);
    merge.first.answered = false;
    merge.run();
    CHECK(merge.owner("a") == 1);
    merge.first.answered = true;
    merge.run();
    CHECK(merge.owner("a") == 1);
    CHECK(merge.seen.size() == 1);
    merge.second.remove(0);
    merge.run();
    CHECK(merge.owner("a") == 0);
    CHECK(merge.seen.size() == 1);
}

TEST_CASE("after a new start nothing is left of what the connections told") {
    Merge merge;
    merge.first.add("a");
    merge.run();
    merge.merged.forget();
    CHECK_FALSE(merge.merged.find(0, key_from_name("a")));
    merge.first = {};
    merge.first.add("b");
    merge.run();
    CHECK(merge.seen.name == Names{"b"});
}

TEST_CASE("each domain is told with the host where it is, and one that moves with its new one") {
    Merge merge;
    merge.first.add("a");
    merge.second.add("b");
    merge.run();
    CHECK(merge.seen.host == Names{"alpha", "beta"});
    // `a` migrates.
    merge.second.add("a");
    merge.first.remove(0);
    const std::uint64_t before = merge.seen.membership;
    merge.run();
    CHECK(merge.seen.name == Names{"a", "b"});
    CHECK(merge.seen.host == Names{"beta", "beta"});
    CHECK(merge.seen.membership > before);  // so that its name is published anew
}
