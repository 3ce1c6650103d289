#include <catch2/catch.hpp>
#include <random>

#include "small_host.h"

using namespace ballast;

namespace {

// Figures as no machine has them, and those it may have.
std::uint64_t any_figure(std::mt19937_64& random) {
    switch (random() % 7) {
        case 0:
            return kUnknownBytes;
        case 1:
            return 0;
        case 2:
            return UINT64_MAX - 1 - random() % 5000;
        case 3:
            return random();
        case 4:
            return std::uint64_t{1} << (random() % 64);
        default:
            return random() % (64 * kGiB);
    }
}

}  // namespace

TEST_CASE("whatever the figures, policies of peers and of operators stay within [0, total]") {
    const PolicyKind kind = GENERATE(PolicyKind::squeezed, PolicyKind::cpuplugd, PolicyKind::rules);
    std::mt19937_64 random(20);
    const auto policy = *make_policy(default_choice(kind));
    Observation seen;
    std::vector<std::int64_t> requests;
    for (int tick = 0; tick < 3000; ++tick) {
        DomainTable& domains = seen.domains;
        if (tick % 50 == 0) {
            domains.resize(random() % 6);
            requests.resize(domains.size());
            for (DomainKey& key : domains.key) key = key_from_name(std::to_string(random() % 9));
            ++domains.membership;
        }
        std::vector<std::uint64_t> min_mem, set;
        std::vector<std::uint8_t> held;
        for (std::size_t row = 0; row < domains.size(); ++row) {
            domains.page_shift[row] = random() % 2 == 0 ? 12 : 16;
            for (auto* const column :
                 {&domains.total_bytes, &domains.loaned_bytes, &domains.unused_bytes,
                  &domains.usable_bytes, &domains.cache_bytes, &domains.major_faults,
                  &domains.swapped_in_bytes, &domains.swapped_out_bytes, &domains.resident_bytes})
                (*column)[row] = any_figure(random);
            min_mem.push_back(any_figure(random));
            set.push_back(any_figure(random));
            held.push_back(random() % 8 == 0);
        }
        for (auto* const figure : {&seen.host.total_bytes, &seen.host.available_bytes,
                                   &seen.host.swap_total_bytes, &seen.host.swap_free_bytes})
            *figure = any_figure(random);
        seen.at += std::chrono::milliseconds(random() % 4000);
        const PolicyInputs inputs{.min_mem_bytes = min_mem,
                                  .set_bytes = set,
                                  .held = held,
                                  .host_reserve_bytes = any_figure(random)};
        policy->request(seen, inputs, requests);
        for (std::size_t row = 0; row < domains.size(); ++row) {
            const auto loaned = static_cast<__int128>(domains.loaned_bytes[row]);
            const __int128 after = loaned + requests[row];
            INFO("tick " << tick << ", row " << row);
            if (held[row] != 0 || requests[row] == 0) continue;
            // Above 2^63 - 1 a request cannot tell the whole way.
            if (domains.loaned_bytes[row] > INT64_MAX) continue;
            CHECK((after >= 0 && after <= static_cast<__int128>(domains.total_bytes[row])));
        }
    }
}
