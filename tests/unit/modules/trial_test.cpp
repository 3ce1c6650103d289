#include "hv_backends/modules/trial.h"

#include <catch2/catch.hpp>

#include "staged.h"

using namespace ballast;
using namespace ballast::test;

namespace {

Result<void> tried(const Staged& staged, const char* behaviour,
                   Duration patience = std::chrono::seconds(60)) {
    return try_module(
        {.command = {BALLAST_TRY_MODULE, behaviour}, .input = "", .patience = patience},
        staged("odd"));
}

}  // namespace

TEST_CASE("a module that behaves passes, also while its hypervisor is away") {
    const Staged staged;
    CHECK(tried(staged, "none"));
    CHECK(tried(staged, "away"));
}

TEST_CASE("a module that crashes does so elsewhere, and is told with step and signal") {
    const Staged staged;
    const auto crashed = tried(staged, "crash");
    REQUIRE_FALSE(crashed);
    CHECK(crashed.error().code == Errc::bad_data);
    CHECK_THAT(crashed.error().context,
               Catch::EndsWith("odd.so: tried out, it crashed in create (SIGABRT)"));
    CHECK_THAT(tried(staged, "crash_in_start").error().context,
               Catch::EndsWith("crashed in start (SIGABRT)"));
    CHECK_THAT(tried(staged, "exit").error().context,
               Catch::EndsWith("it ended the process in create (exit status 7)"));
}

TEST_CASE("a module that never returns is given up, and the step is named") {
    const Staged staged;
    const auto hung = tried(staged, "hang", std::chrono::milliseconds(300));
    REQUIRE_FALSE(hung);
    CHECK(hung.error().code == Errc::timed_out);
    CHECK_THAT(hung.error().context, Catch::Contains("did not return from"));
}

TEST_CASE("what a module says of itself comes through") {
    const Staged staged;
    const auto refused = tried(staged, "refuse");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::invalid_argument);
    CHECK_THAT(refused.error().context,
               Catch::EndsWith("the hypervisor is of the wrong kind (Invalid argument)"));
}

TEST_CASE("nonsense is found before the module is used") {
    const Staged staged;
    const auto text = [&](const char* behaviour) {
        const auto outcome = tried(staged, behaviour);
        REQUIRE_FALSE(outcome);
        CHECK(outcome.error().code == Errc::bad_data);
        return outcome.error().context;
    };
    using Catch::Contains;
    CHECK_THAT(text("no_instance"), Contains("create succeeded and made no instance"));
    CHECK_THAT(text("odd_status"), Contains("start answered 4711, expected 0 to 6"));
    CHECK_THAT(text("nameless"), Contains("observe gave no name to row 0"));
    CHECK_THAT(text("twice"),
               Contains("told of domain 07070707-0707-0707-0707-070707070707 twice"));
    CHECK_THAT(text("odd_size"), Contains("impossible figures of domain 'only': a memory of"));
    CHECK_THAT(text("odd_loan"), Contains("2147483648 bytes lent of 1073741824"));
    CHECK_THAT(text("odd_pages"), Contains("pages of 2^60 bytes, expected 2^12 to 2^24"));
    CHECK_THAT(text("odd_flags"), Contains("unknown flags 0xf000"));
    CHECK_THAT(text("odd_request"), Contains("a request of -9223372036854775808 bytes"));
}

TEST_CASE("a program that is not there is told") {
    const Staged staged;
    const auto outcome = try_module({.command = {"/no/such/program"}, .input = ""}, staged("odd"));
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == Errc::io);
}
