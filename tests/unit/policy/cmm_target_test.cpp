#include "policy/cmm_target.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <random>

using namespace ballast;

namespace {

constexpr CmmSafeguards kKernel{.oom_credit = true, .credit_after_clamp = false};
constexpr CmmSafeguards kSafe{};

// Inputs around and far beyond the sizes of real machines.
CmmInputs random_inputs(std::mt19937_64& random) {
    const auto pages = [&](unsigned bits) {
        return random() >> (64U - std::uniform_int_distribution<unsigned>(1, bits)(random));
    };
    CmmInputs in;
    in.total_pages = pages(40);
    in.loaned_pages = in.total_pages == 0 ? 0 : random() % (in.total_pages + 1);
    in.oom_credit_pages = random() % 3 == 0 ? 0 : pages(41);
    in.min_mem_pages = pages(40);
    const auto size = static_cast<std::int64_t>(pages(62));
    in.request_pages = random() % 2 == 0 ? size : -size;
    return in;
}

}  // namespace

TEST_CASE("a request is added to what is loaned") {
    const CmmInputs in{.request_pages = 100, .loaned_pages = 50, .total_pages = 10'000};
    CHECK(cmm_target(in, kSafe).loan_target_pages == 150);
    CHECK(cmm_target(in, kSafe).constraint == Constraint::none);
}

TEST_CASE("a request to take back more than is loaned gives everything back") {
    const CmmInputs in{.request_pages = -100, .loaned_pages = 50, .total_pages = 10'000};
    CHECK(cmm_target(in, kSafe).loan_target_pages == 0);
    CHECK(cmm_target(in, kSafe).constraint == Constraint::none);
}

TEST_CASE("min_mem stops a loan exactly there") {
    const CmmInputs in{.request_pages = 9'001, .total_pages = 10'000, .min_mem_pages = 1'000};
    CHECK(cmm_target(in, kSafe).loan_target_pages == 9'000);
    CHECK(cmm_target(in, kSafe).constraint == Constraint::min_mem);
}

TEST_CASE("a request that meets min_mem exactly is not bound by it") {
    const CmmInputs in{.request_pages = 9'000, .total_pages = 10'000, .min_mem_pages = 1'000};
    CHECK(cmm_target(in, kSafe).loan_target_pages == 9'000);
    CHECK(cmm_target(in, kSafe).constraint == Constraint::none);
}

TEST_CASE("a domain smaller than min_mem takes everything back") {
    const CmmInputs in{
        .request_pages = 5, .loaned_pages = 10, .total_pages = 999, .min_mem_pages = 1'000};
    CHECK(cmm_target(in, kSafe).loan_target_pages == 0);
    CHECK(cmm_target(in, kSafe).constraint == Constraint::min_mem);
}

TEST_CASE("OOM credit is subtracted from the target") {
    const CmmInputs in{.request_pages = 16,
                       .loaned_pages = 3'109,
                       .total_pages = 15'908,
                       .oom_credit_pages = 16,
                       .min_mem_pages = 4'096};
    CHECK(cmm_target(in, kSafe).loan_target_pages == 3'109);
    CHECK(cmm_target(in, kSafe).constraint == Constraint::oom_credit);
}

TEST_CASE("a credit larger than the target leaves nothing lent") {
    const CmmInputs in{.request_pages = 10, .total_pages = 10'000, .oom_credit_pages = 10};
    CHECK(cmm_target(in, kSafe).loan_target_pages == 0);
    CHECK(cmm_target(in, kSafe).constraint == Constraint::oom_credit);
}

TEST_CASE("a huge request voids the credit in the kernel's arithmetic, not in ours") {
    const CmmInputs in{.request_pages = 1'000'000,
                       .total_pages = 10'000,
                       .oom_credit_pages = 500,
                       .min_mem_pages = 1'000};
    CHECK(cmm_target(in, kKernel).loan_target_pages == 9'000);  // the harm
    CHECK(cmm_target(in, kSafe).loan_target_pages == 8'500);
}

TEST_CASE("without credit the freed memory is asked for again") {
    const CmmInputs in{.request_pages = 500, .total_pages = 10'000, .oom_credit_pages = 200};
    CHECK(cmm_target(in, kSafe).loan_target_pages == 300);
    CHECK(cmm_target(in, {.oom_credit = false}).loan_target_pages == 500);  // the harm
}

TEST_CASE("figures at the ends of their types do not wrap around") {
    const CmmInputs huge{.request_pages = INT64_MAX,
                         .loaned_pages = UINT64_MAX,
                         .total_pages = UINT64_MAX,
                         .oom_credit_pages = 0,
                         .min_mem_pages = 1};
    CHECK(cmm_target(huge, kSafe).loan_target_pages == (std::uint64_t{1} << 51U) - 1);
    const CmmInputs lowest{.request_pages = INT64_MIN, .loaned_pages = 1, .total_pages = 10};
    CHECK(cmm_target(lowest, kSafe).loan_target_pages == 0);
}

TEST_CASE("whatever the inputs, the domain keeps min_mem and the target is bounded") {
    std::mt19937_64 random(20220601);
    for (int i = 0; i < 200'000; ++i) {
        const CmmInputs in = random_inputs(random);
        for (const CmmSafeguards& safeguards : {kKernel, kSafe}) {
            const CmmTarget answer = cmm_target(in, safeguards);
            CAPTURE(in.request_pages, in.loaned_pages, in.total_pages, in.oom_credit_pages,
                    in.min_mem_pages, answer.loan_target_pages);
            REQUIRE(answer.loan_target_pages <= in.total_pages);
            if (in.total_pages >= in.min_mem_pages) {
                REQUIRE(in.total_pages - answer.loan_target_pages >= in.min_mem_pages);
            } else {
                REQUIRE(answer.loan_target_pages == 0);
            }
        }
    }
}

TEST_CASE("asking for more never lends less") {
    std::mt19937_64 random(7);
    for (int i = 0; i < 200'000; ++i) {
        CmmInputs in = random_inputs(random);
        const std::uint64_t before = cmm_target(in, kSafe).loan_target_pages;
        in.request_pages += static_cast<std::int64_t>(random() % 100'000);
        REQUIRE(cmm_target(in, kSafe).loan_target_pages >= before);
    }
}

TEST_CASE("credited pages are never part of the target") {
    std::mt19937_64 random(11);
    for (int i = 0; i < 200'000; ++i) {
        CmmInputs in = random_inputs(random);
        const std::uint64_t credit = in.oom_credit_pages;
        const std::uint64_t with_credit = cmm_target(in, kSafe).loan_target_pages;
        in.oom_credit_pages = 0;
        const std::uint64_t without = cmm_target(in, kSafe).loan_target_pages;
        REQUIRE(with_credit == (without > credit ? without - credit : 0));
    }
}

TEST_CASE("the constraint is named exactly when the answer falls short of what was asked") {
    std::mt19937_64 random(13);
    for (int i = 0; i < 200'000; ++i) {
        const CmmInputs in = random_inputs(random);
        if (in.request_pages > (std::int64_t{1} << 50)) continue;
        const CmmTarget answer = cmm_target(in, kSafe);
        const std::int64_t wanted = std::max<std::int64_t>(
            in.request_pages + static_cast<std::int64_t>(in.loaned_pages), 0);
        const bool met = answer.loan_target_pages == static_cast<std::uint64_t>(wanted);
        REQUIRE(met == (answer.constraint == Constraint::none));
    }
}

TEST_CASE("a planned loan that asks for nothing stays, whatever the credit") {
    const CmmInputs in{
        .loaned_pages = 5'000, .total_pages = 10'000, .oom_credit_pages = 700, .min_mem_pages = 10};
    CHECK(planned_loan(in, kSafe).loan_target_pages == 5'000);
    CHECK(planned_loan(in, kSafe).constraint == Constraint::none);
    // The driver's arithmetic takes the credit off at each call.
    CHECK(cmm_target(in, kSafe).loan_target_pages == 4'300);
}

TEST_CASE("a credit bounds a planned loan once, below what min_mem leaves") {
    CmmInputs in{.request_pages = 9'000,
                 .loaned_pages = 500,
                 .total_pages = 10'000,
                 .oom_credit_pages = 700,
                 .min_mem_pages = 300};
    CHECK(planned_loan(in, kSafe).loan_target_pages == 9'000);
    CHECK(planned_loan(in, kSafe).constraint == Constraint::oom_credit);
    in.request_pages = 9'300;
    CHECK(planned_loan(in, kSafe).constraint == Constraint::min_mem);
    in.oom_credit_pages = 20'000;
    CHECK(planned_loan(in, kSafe).loan_target_pages == 0);
    in.min_mem_pages = 10'001;
    CHECK(planned_loan(in, kSafe).loan_target_pages == 0);
    CHECK(planned_loan(in, kSafe).constraint == Constraint::min_mem);
    in.min_mem_pages = 300;
    CHECK(planned_loan(in, {.oom_credit = false}).loan_target_pages == 9'700);
}

TEST_CASE("a planned loan is reached in one step and stays there, for any figures") {
    std::mt19937_64 random(7);
    for (int i = 0; i < 20'000; ++i) {
        CmmInputs in = random_inputs(random);
        const std::uint64_t loan = planned_loan(in, kSafe).loan_target_pages;
        CHECK(loan <= in.total_pages);
        in.loaned_pages = loan;
        in.request_pages = 0;
        CHECK(planned_loan(in, kSafe).loan_target_pages == loan);
        CHECK(planned_loan(in, kSafe).constraint == Constraint::none);
        // What an OOM takes back leaves a loan that its credit does not bound any further.
        const std::uint64_t freed = loan == 0 ? 0 : random() % (loan + 1);
        in.loaned_pages = loan - freed;
        in.oom_credit_pages += freed;
        CHECK(planned_loan(in, kSafe).loan_target_pages == loan - freed);
    }
}
