// The arithmetic of Qubes OS' qmemman (qubes/qmemman/algo.py, and is_balance_req_significant of
// systemstate.py), to the byte.
//
// Amounts are bytes in doubles, as Python mixes them; whole ones are exact up to 2^53.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace ballast::qmemman {

constexpr double mib = 1024 * 1024;
// What is kept free beside everything else, and the least that a call for memory needs beside it.
constexpr double free_left_bytes = 50 * mib;
constexpr double free_least_bytes = 25 * mib;

// What its configuration file may change.
struct Tuning {
    double cache_factor = 1.3;
    double least_pref_bytes = 200 * mib;
    double dom0_boost_bytes = 350 * mib;
};

struct Domain {
    bool dom0 = false;
    std::optional<double> used_bytes;  // told by the guest; nullopt: never, or rubbish
    double current_bytes = 0;          // what it holds
    double actual_bytes = 0;           // that, or its memory target if that is more
    double max_bytes = 0;
    double last_target_bytes = 0;  // the memory target it was last set to; 0: none
    bool no_progress = false;      // it did not move when told to
    bool slow = false;             // it moved, and not enough

    // Others are left out of all arithmetic.
    bool takes_part() const { return used_bytes.has_value() && !no_progress; }
};

// A memory target for domains[row].
struct Request {
    std::size_t row = 0;
    double memory_target_bytes = 0;
};

// What a guest reports that it uses, in KiB, as text: digits and nothing else. In bytes.
std::optional<double> parse_used_kib(std::string_view text);

// The memory that a domain would best have. Its used_bytes are known.
double pref_bytes(const Domain& domain, const Tuning& tuning);

// What the domains need together, and who has and who lacks.
struct Balance {
    double available_bytes = 0;  // after everyone has what it prefers; may be negative
    double total_pref_bytes = 0;
    double acceptors_pref_bytes = 0;
    std::vector<std::size_t> donors;
    std::vector<std::size_t> acceptors;
    bool enough() const { return available_bytes > 0; }
};

// Keeps its memory from one computation to the next; results are valid until the next one.
class Algorithm {
  public:
    explicit Algorithm(const Tuning& tuning = {}) : tuning_(tuning) {}
    const Tuning& tuning() const { return tuning_; }

    // `free_bytes` is less free_left_bytes already.
    const Balance& weigh(double free_bytes, std::span<const Domain> domains);
    // Memory targets for all (where there is enough) or some. Those that shrink come first.
    std::span<const Request> balance(double free_bytes, std::span<const Domain> domains);

    // Memory targets that free `wanted_bytes`; none if the domains together cannot.
    std::span<const Request> balloon(double wanted_bytes, std::span<const Domain> domains);
    // What the last balloon() found that domains could give.
    double balloon_available_bytes() const { return balloon_available_bytes_; }

    // Whether the requests are worth the unrest. `free_bytes` is all that is free.
    bool significant(std::span<const Request> requests, double free_bytes,
                     std::span<const Domain> domains) const;

  private:
    void share_plenty(std::span<const Domain> domains);
    void give_overflow(std::span<const Domain> domains, double left_bytes, double acceptors);
    void squeeze(double free_bytes, std::span<const Domain> domains);

    Tuning tuning_;
    Balance balance_;
    double balloon_available_bytes_ = 0;
    std::vector<Request> drafts_;
    std::vector<Request> requests_;
};

// Lets domains back in that have done as told, or that have become short themselves.
void clear_markers(std::span<Domain> domains, const Tuning& tuning);

}  // namespace ballast::qmemman
