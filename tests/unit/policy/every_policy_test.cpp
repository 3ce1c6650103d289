// What every policy of the catalogue promises, whatever it is shown.
#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "policy/policy.h"

using namespace ballast;

namespace {

// Policies that answer with what others set are bounded later on.
bool decides_itself(PolicyKind kind) {
    return kind != PolicyKind::cmm && kind != PolicyKind::fixed;
}

class Chaos {
  public:
    explicit Chaos(unsigned seed) : random_(seed) {}

    // Figures that are unknown, lies, at the edge, or as they should be.
    std::uint64_t figure(std::uint64_t around) {
        switch (random_() % 8) {
            case 0:
                return kUnknownBytes;
            case 1:
                return 0;
            case 2:
                return random_();
            case 3:
                return kUnknownBytes - random_() % 3;
            default:
                return around == 0 ? 0 : random_() % around;
        }
    }

    // Now and then others come and go, or stand elsewhere.
    void shuffle_rows() {
        DomainTable& domains = seen.domains;
        const std::size_t rows = random_() % 7;
        domains.resize(rows);
        ++domains.membership;
        for (std::size_t row = 0; row < rows; ++row) {
            domains.key[row] = key_from_name(std::to_string(random_() % 6));
            domains.page_shift[row] = random_() % 2 != 0 ? 12 : 16;
        }
    }

    void tick() {
        DomainTable& domains = seen.domains;
        seen.at += std::chrono::milliseconds(random_() % 20'000);
        seen.host.total_bytes = figure(std::uint64_t{1} << 40U);
        seen.host.available_bytes = figure(seen.host.total_bytes);
        seen.host.memory_stall_us = figure(1'000'000);
        const std::size_t rows = domains.size();
        for (auto* const column : {&fixed, &min_mem, &set}) column->assign(rows, 0);
        shares.assign(rows, 0);
        held.assign(rows, 0);
        for (std::size_t row = 0; row < rows; ++row) {
            const bool huge = random_() % 8 == 0;
            const std::uint64_t total = huge ? random_() : random_() % (std::uint64_t{1} << 36U);
            domains.total_bytes[row] = total;
            domains.loaned_bytes[row] = huge || random_() % 8 == 0 ? figure(total) : total / 3;
            for (auto* const column :
                 {&domains.unused_bytes, &domains.usable_bytes, &domains.cache_bytes,
                  &domains.major_faults, &domains.swapped_in_bytes, &domains.swapped_out_bytes,
                  &domains.resident_bytes})
                (*column)[row] = figure(total);
            domains.loan_request_bytes[row] = 0;
            domains.flags[row] = static_cast<DomainFlags>(random_() & 0x7fffU);
            fixed[row] = figure(total);
            min_mem[row] = figure(total);
            set[row] = figure(total);
            shares[row] = static_cast<std::uint32_t>(random_() % 3 == 0 ? 0 : random_() % 10'001);
            held[row] = random_() % 4 == 0 ? 1 : 0;
        }
        inputs = {fixed, min_mem, shares, set, held, figure(std::uint64_t{1} << 30U)};
    }

    bool chance(unsigned one_in) { return random_() % one_in == 0; }

    Observation seen;
    PolicyInputs inputs;
    std::vector<std::uint64_t> fixed, min_mem, set;
    std::vector<std::uint32_t> shares;
    std::vector<std::uint8_t> held;

  private:
    std::mt19937_64 random_;
};

// No more than a signed number holds is lent.
std::uint64_t loaned_as_counted(std::uint64_t loaned) {
    return std::min<std::uint64_t>(loaned, INT64_MAX);
}

}  // namespace

TEST_CASE("every policy of the catalogue can be made, and has a name of its own") {
    std::set<std::string_view> names;
    for (const PolicyEntry& entry : policy_catalogue()) {
        INFO(entry.name);
        CHECK(names.insert(entry.name).second);
        CHECK(find_policy(entry.name)->kind == entry.kind);
        CHECK(make_policy(default_choice(entry.kind)));
        std::set<std::string_view> parameters;
        for (const PolicyParameter& parameter : entry.parameters) {
            INFO(parameter.name);
            CHECK(parameters.insert(parameter.name).second);
            CHECK(parameter.least <= parameter.by_default);
            CHECK(parameter.by_default <= parameter.most);
            CHECK_FALSE(parameter.meaning.empty());
        }
    }
}

TEST_CASE("whatever a policy is shown, it stays within what a domain has") {
    for (const PolicyEntry& entry : policy_catalogue()) {
        if (!decides_itself(entry.kind)) continue;
        DYNAMIC_SECTION(entry.name) {
            std::size_t moved = 0;
            for (unsigned seed = 1; seed <= 20; ++seed) {
                Chaos chaos(seed);
                const auto policy = make_policy(default_choice(entry.kind));
                REQUIRE(policy);
                for (int tick = 0; tick < 300; ++tick) {
                    if (tick == 0 || chaos.chance(10)) chaos.shuffle_rows();
                    chaos.tick();
                    const DomainTable& domains = chaos.seen.domains;
                    std::vector<std::int64_t> requests(domains.size(), INT64_MIN);
                    (*policy)->request(chaos.seen, chaos.inputs, requests);
                    for (std::size_t row = 0; row < domains.size(); ++row) {
                        if (requests[row] == 0) continue;
                        ++moved;
                        const auto loaned = loaned_as_counted(domains.loaned_bytes[row]);
                        const std::int64_t target =
                            static_cast<std::int64_t>(loaned) + requests[row];
                        if (target < 0 ||
                            static_cast<std::uint64_t>(target) > domains.total_bytes[row])
                            FAIL("seed " << seed << ", tick " << tick << ": " << requests[row]);
                        if (chaos.held[row] != 0) FAIL("a held row was moved");
                    }
                }
            }
            CHECK((moved > 0) == (entry.kind != PolicyKind::still));
        }
    }
}

TEST_CASE("a policy that is shown the same again answers the same") {
    for (const PolicyEntry& entry : policy_catalogue()) {
        INFO(entry.name);
        const auto run = [&entry] {
            Chaos chaos(7);
            const auto policy = make_policy(default_choice(entry.kind));
            std::vector<std::int64_t> all;
            for (int tick = 0; tick < 100; ++tick) {
                if (tick % 20 == 0) chaos.shuffle_rows();
                chaos.tick();
                std::vector<std::int64_t> requests(chaos.seen.domains.size());
                (*policy)->request(chaos.seen, chaos.inputs, requests);
                all.insert(all.end(), requests.begin(), requests.end());
            }
            return all;
        };
        CHECK(run() == run());
    }
}

TEST_CASE("a policy without any input but the observation answers all the same") {
    for (const PolicyEntry& entry : policy_catalogue()) {
        if (entry.kind == PolicyKind::fixed) continue;  // its input is what it passes on
        INFO(entry.name);
        Chaos chaos(3);
        const auto policy = make_policy(default_choice(entry.kind));
        for (int tick = 0; tick < 50; ++tick) {
            if (tick % 10 == 0) chaos.shuffle_rows();
            chaos.tick();
            std::vector<std::int64_t> requests(chaos.seen.domains.size(), INT64_MIN);
            (*policy)->request(chaos.seen, {}, requests);
            CHECK(std::count(requests.begin(), requests.end(), INT64_MIN) == 0);
        }
    }
}
