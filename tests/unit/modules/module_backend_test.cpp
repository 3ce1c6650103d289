#include "hv_backends/modules/module_backend.h"

#include <catch2/catch.hpp>

#include "base/units.h"
#include "hv_backends/modules/image.h"
#include "staged.h"

using namespace ballast;
using namespace ballast::test;

namespace {

class Events final : public EventSink {
  public:
    void on_event(const Event& event) noexcept override { seen.push_back(event); }
    std::vector<Event> seen;
};

// An instance of the odd module that is started.
struct Instance {
    explicit Instance(const std::string& behaviour)
        : image(*ModuleImage::open(staged.file("odd"), "t")) {
        backend =
            std::move(*ModuleBackend::create(image.module(), behaving(behaviour), clock, watch));
        REQUIRE(backend->start(events));
    }
    StepOutcome lend(std::uint64_t to_bytes) {
        return backend->apply({0, seen.domains.key[0], seen.domains.loaned_bytes[0], to_bytes});
    }
    Staged staged;
    SystemClock clock;
    CallWatch watch{clock};
    ModuleImage image;
    Events events;
    Observation seen;
    std::unique_ptr<ModuleBackend> backend;
};

}  // namespace

TEST_CASE("a module's domains, figures and moves come through") {
    Instance instance("none");
    CHECK(instance.backend->capabilities().name == "odd");
    CHECK(instance.backend->capabilities().description == "one domain");
    CHECK(instance.backend->capabilities().reports_oom);
    REQUIRE(instance.backend->observe(instance.seen));
    REQUIRE(instance.seen.domains.size() == 1);
    CHECK(instance.seen.domains.name[0] == "only");
    CHECK(instance.seen.domains.total_bytes[0] == kGiB);
    CHECK(instance.seen.domains.unused_bytes[0] == kUnknownBytes);
    CHECK(instance.seen.host.available_bytes == 2 * kGiB);

    const StepOutcome outcome = instance.lend(256 * kMiB);
    CHECK(outcome.status == StepStatus::done);
    CHECK(outcome.loaned_bytes == 256 * kMiB);
    const std::uint64_t membership = instance.seen.domains.membership;
    REQUIRE(instance.backend->observe(instance.seen));
    CHECK(instance.seen.domains.loaned_bytes[0] == 256 * kMiB);
    CHECK(instance.seen.domains.membership == membership);
}

TEST_CASE("a module that looks after several hosts names them") {
    Instance instance("hosts");
    REQUIRE(instance.backend->observe(instance.seen));
    CHECK(instance.seen.domains.host[0] == "alpha");
    Instance without("none");
    REQUIRE(without.backend->observe(without.seen));
    CHECK(without.seen.domains.host[0].empty());
}

TEST_CASE("a module that knows of nodes tells them, and which a domain is bound to") {
    Instance instance("nodes");
    REQUIRE(instance.backend->observe(instance.seen));
    CHECK(instance.seen.host.nodes ==
          std::vector<HostNode>{{1, kGiB, kGiB / 2, kGiB / 4}, {2, kGiB, 0, kUnknownBytes}});
    CHECK(instance.seen.domains.node_mask[0] == 1U << 2U);
    Instance without("none");
    REQUIRE(without.backend->observe(instance.seen));
    CHECK(instance.seen.host.nodes.empty());
    CHECK(instance.seen.domains.node_mask[0] == 0);
}

TEST_CASE("a node that is told twice counts once") {
    Instance instance("odd_nodes");
    REQUIRE(instance.backend->observe(instance.seen));
    CHECK(instance.seen.host.nodes.size() == 1);
}

TEST_CASE("two instances never tell the same membership") {
    Instance one("none"), other("none");
    REQUIRE(one.backend->observe(one.seen));
    REQUIRE(other.backend->observe(one.seen));
    REQUIRE(one.backend->observe(other.seen));
    CHECK(one.seen.domains.membership != other.seen.domains.membership);
}

TEST_CASE("an instance takes over what another one lent") {
    Instance instance("none");
    DomainKey key;
    key.uuid.fill(7);
    instance.backend->adopt(std::vector<Loan>{{key, 64 * kMiB}});
    REQUIRE(instance.backend->observe(instance.seen));
    CHECK(instance.seen.domains.loaned_bytes[0] == 64 * kMiB);
}

TEST_CASE("a row that cannot be is held, at its last known figures") {
    const auto* const behaviour =
        GENERATE("odd_size", "odd_loan", "odd_pages", "odd_flags", "odd_request");
    Instance sane("none");
    REQUIRE(sane.backend->observe(sane.seen));
    sane.seen.domains.loaned_bytes[0] = 128 * kMiB;

    Instance instance(behaviour);
    REQUIRE(instance.backend->observe(sane.seen));
    CHECK(sane.seen.domains.flags[0] == DomainFlags::unanswered);
    CHECK(sane.seen.domains.total_bytes[0] == kGiB);
    CHECK(sane.seen.domains.loaned_bytes[0] == 128 * kMiB);
    CHECK(sane.seen.domains.loan_request_bytes[0] == 0);
    CHECK(sane.seen.domains.page_shift[0] == 12);
    CHECK_FALSE(instance.backend->trouble().empty());
}

TEST_CASE("an observation that cannot be is refused, and what was seen before stays") {
    const auto* const behaviour = GENERATE("nameless", "twice", "fail_in_observe", "too_many");
    Instance instance(behaviour);
    instance.seen.domains.resize(3);
    const auto observed = instance.backend->observe(instance.seen);
    REQUIRE_FALSE(observed);
    CHECK_FALSE(observed.error().context.empty());
    CHECK(instance.seen.domains.size() == 3);
}

TEST_CASE("rows that come without a word of it are refused") {
    Instance instance("silent_growth");
    REQUIRE(instance.backend->observe(instance.seen));
    const auto observed = instance.backend->observe(instance.seen);
    REQUIRE_FALSE(observed);
    CHECK(observed.error().code == Errc::bad_data);
    CHECK_THAT(observed.error().context, Catch::Contains("told of 1 domains, then of 3"));
}

TEST_CASE("an outcome that cannot be counts as failed") {
    for (const char* behaviour : {"odd_outcome", "false_done"}) {
        Instance instance(behaviour);
        REQUIRE(instance.backend->observe(instance.seen));
        const StepOutcome outcome = instance.lend(kMiB);
        CHECK(outcome.status == StepStatus::failed);
        CHECK(outcome.loaned_bytes == 0);
        CHECK_THAT(outcome.detail, Catch::StartsWith("the backend's answer cannot be: "));
    }
}

TEST_CASE("a text without an end is cut") {
    Instance instance("endless_text");
    CHECK(instance.backend->capabilities().description == std::string(256, 'x'));
}

TEST_CASE("a call that runs is seen from outside") {
    class Steps final : public Clock {
      public:
        Time now() const noexcept override { return at; }
        WallTime wall_now() const noexcept override { return {}; }
        Time at{};
    } clock;
    CallWatch watch(clock);
    CHECK_FALSE(watch.running());
    {
        const CallWatch::Call call(watch, "observe");
        clock.at += std::chrono::seconds(31);
        REQUIRE(watch.running());
        CHECK(std::string(watch.running()->call) == "observe");
        CHECK(watch.running()->lasts == std::chrono::seconds(31));
    }
    CHECK_FALSE(watch.running());
}
