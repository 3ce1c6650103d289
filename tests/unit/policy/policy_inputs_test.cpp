#include "policy/policy_inputs.h"

#include <catch2/catch.hpp>

#include "base/units.h"

using namespace ballast;

namespace {

DomainTable table_of(std::vector<DomainFlags> flags) {
    DomainTable table;
    table.resize(flags.size());
    table.flags = std::move(flags);
    return table;
}

}  // namespace

TEST_CASE("what is known of each domain and of the host reaches a policy") {
    const DomainTable table = table_of({DomainFlags::none, DomainFlags::none});
    PolicyInputsBuilder builder;
    const HostInputs host{.reserve_bytes = kGiB,
                          .reserved_bytes = 2 * kGiB,
                          .short_below_bytes = 256 * kMiB,
                          .short_below_percent = 10};
    const PolicyInputs& inputs = builder.build(table, host, [](std::size_t row) {
        return row == 0 ? DomainInputs{.fixed_loan_bytes = kMiB,
                                       .min_mem_bytes = 5 * kMiB,
                                       .oom_credit_bytes = 2 * kMiB,
                                       .set_bytes = 3 * kMiB,
                                       .shares = 700}
                        : DomainInputs{};
    });
    CHECK(inputs.fixed_loan_bytes[0] == kMiB);
    CHECK(inputs.min_mem_bytes[0] == 7 * kMiB);
    CHECK(inputs.set_bytes[0] == 3 * kMiB);
    CHECK(inputs.shares[0] == 700);
    CHECK(inputs.set_bytes[1] == kUnknownBytes);
    CHECK(inputs.shares[1] == 1000);
    CHECK(inputs.host_reserve_bytes == 3 * kGiB);
    CHECK(inputs.reserved_bytes == 2 * kGiB);
    CHECK(inputs.short_below_bytes == 256 * kMiB);
    CHECK(inputs.short_below_percent == 10);
}

TEST_CASE("a domain is held for a reason of the caller or for one that its flags show") {
    using enum DomainFlags;
    const DomainTable table =
        table_of({none, none, paused, migrating, hotplug, no_driver, pinned_memory, starting,
                  unanswered, crashed, saving, deflate_on_oom, stale_stats, late_stats});
    PolicyInputsBuilder builder;
    const PolicyInputs& inputs =
        builder.build(table, {}, [](std::size_t row) { return DomainInputs{.held = row == 1}; });
    for (std::size_t row = 0; row < table.size(); ++row) {
        CAPTURE(row);
        CHECK(int{inputs.held[row]} == (row >= 1 && row <= 10 ? 1 : 0));
    }
}

TEST_CASE("the columns follow the number of rows") {
    PolicyInputsBuilder builder;
    const auto nothing = [](std::size_t) { return DomainInputs{}; };
    CHECK(builder.build(table_of({DomainFlags::none}), {}, nothing).held.size() == 1);
    const PolicyInputs& more = builder.build(
        table_of({DomainFlags::none, DomainFlags::none, DomainFlags::none}), {}, nothing);
    CHECK(more.held.size() == 3);
    CHECK(more.min_mem_bytes.size() == 3);
    CHECK(builder.build(table_of({}), {}, nothing).set_bytes.empty());
}
