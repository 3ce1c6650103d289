// What the ledger keeps of a domain, and for how long.
#include "controller/ledger.h"

#include <catch2/catch.hpp>

#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;

TEST_CASE("what an operator set for a domain goes with it: one that comes again has the defaults") {
    Bench bench(fixed_settings(0));
    bench.backend.add("g1", kGiB);
    bench.tick();
    REQUIRE(bench.controller().set_attribute("g1", "min_mem_mb", "700"));
    REQUIRE(bench.controller().set_attribute("g1", "simulate_loan_target_kb", "1024"));
    bench.backend.table = {};
    bench.backend.table.membership = 7;
    bench.tick();
    bench.backend.add("g1", kGiB);
    bench.backend.table.membership = 8;
    bench.tick();
    CHECK(*bench.controller().get_attribute("g1", "min_mem_mb") == "256");
    CHECK(bench.backend.table.loaned_bytes[0] == 0);
}

TEST_CASE("what an operator set stays with a domain that changes its row") {
    Bench bench(fixed_settings(0));
    bench.backend.add("goes", kGiB);
    bench.backend.add("stays", kGiB);
    bench.tick();
    REQUIRE(bench.controller().set_attribute("stays", "min_mem_mb", "700"));
    bench.backend.table.remove_row(0);
    ++bench.backend.table.membership;
    bench.tick();
    bench.controller().reconfigure(bench.settings);
    CHECK(*bench.controller().get_attribute("stays", "min_mem_mb") == "700");
}

namespace {

DomainTable table_of(const std::vector<std::string>& names) {
    FakeBackend backend;
    for (const std::string& name : names) backend.add(name, kGiB);
    return backend.table;
}

}  // namespace

TEST_CASE("books go with their domains wherever these move in the table") {
    Ledger ledger;
    const Settings settings;
    const RuntimeSettings runtime;
    using Rows = std::vector<std::size_t>;
    CHECK(ledger.follow(table_of({"a", "b", "c"}), settings, runtime) == Rows{0, 1, 2});
    for (std::size_t row = 0; row < 3; ++row) {
        ledger.controls()[row].oom_freed_bytes = row + 1;
        ledger.controls()[row].inflated_total_bytes = 10 * (row + 1);
        ledger.controls()[row].deflated_total_bytes = 100 * (row + 1);
    }
    // c and a change places around a new one; b has gone.
    CHECK(ledger.follow(table_of({"c", "new", "a"}), settings, runtime) == Rows{1});
    CHECK(ledger.controls()[0].oom_freed_bytes == 3);
    CHECK(ledger.controls()[1].oom_freed_bytes == 0);
    CHECK(ledger.controls()[2].oom_freed_bytes == 1);
    CHECK(ledger.gone_inflated_bytes() == 20);
    CHECK(ledger.gone_deflated_bytes() == 200);
    CHECK(ledger.row_of(key_from_name("a")) == 2);
    CHECK(ledger.row_of(key_from_name("b")) == Ledger::npos);
    // What has gone is new when it comes again.
    CHECK(ledger.follow(table_of({"c", "new", "a", "b"}), settings, runtime) == Rows{3});
    CHECK(ledger.controls()[3].oom_freed_bytes == 0);
    CHECK(ledger.gone_inflated_bytes() == 20);
}

TEST_CASE("a table that gets shorter takes the books of its last rows along") {
    Ledger ledger;
    ledger.follow(table_of({"a", "b"}), {}, {});
    ledger.controls()[1].inflated_total_bytes = 5;
    CHECK(ledger.follow(table_of({"a"}), {}, {}).empty());
    CHECK(ledger.controls().size() == 1);
    CHECK(ledger.gone_inflated_bytes() == 5);
    CHECK(ledger.row_of(key_from_name("b")) == Ledger::npos);
}
