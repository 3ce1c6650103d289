// What a policy made of a scenario, in letters.
#pragma once

#include <algorithm>
#include <set>
#include <string>

#include "compare/verdict.h"
#include "moment.h"

namespace ballast::test {

// Looks at every tick of one run. docs/policies.md explains the letters to people:
//   C the host swaps because a guest that was asked does not give, and another that has much to
//     spare is not asked
//   S the host swaps                        G more is given back than the host has
//   O a guest runs out of memory            K its programs are killed
//   W guests wait                           E they still do in the last quarter
//   U reserved memory is not there when its machine comes or the reservation ends
//   L at the end loans are out, though the host has room for all of them
//   R a balloon turns around in the last two minutes
class Outcome {
  public:
    explicit Outcome(double length_s) : length_s_(length_s) {}

    void look(const Moment& now) {
        if (now.swapped > 0) swaps_ = true;
        Bytes given = 0;
        Bytes lent = 0;
        bool one_owes = false;
        bool another_could = false;
        for (const GuestMoment& guest : now.guests) {
            const Bytes spare = guest.resident - guest.programs - guest.hot;
            one_owes = one_owes || guest.wish > guest.loaned;
            another_could =
                another_could || (guest.wish <= guest.loaned && spare > guest.capacity / 5);
            given += std::max<Bytes>(0, guest.loaned - guest.wish);
            lent += guest.loaned;
            const auto was =
                std::find_if(before_.guests.begin(), before_.guests.end(),
                             [&](const GuestMoment& other) { return other.name == guest.name; });
            if (now.at_s > length_s_ - kLast_s && was != before_.guests.end() &&
                was->loaned != guest.loaned)
                (was->loaned < guest.loaned ? grew_ : shrank_).insert(guest.name);
        }
        if (now.reserved < before_.reserved && before_.reserved > before_.available)
            unready_ = true;
        if (given > now.available) overgives_ = true;
        if (one_owes && another_could && now.swapped > before_.swapped) counts_on_ = true;
        lent_for_nothing_ = lent > 0 && lent + now.reserved <= now.available - now.memory / 10;
        const double ticked_s = now.at_s - before_.at_s;
        const double guest_s = ticked_s * static_cast<double>(now.guests.size());
        const double waited_s = now.stall_s - before_.stall_s;
        guest_s_ += guest_s;
        if (now.at_s > length_s_ * 0.75) {
            late_guest_s_ += guest_s;
            late_waited_s_ += waited_s;
        }
        before_ = now;
    }

    std::string letters() const {
        std::string text;
        const auto add = [&text](bool is_so, char letter) {
            if (is_so) text += letter;
        };
        add(swaps_, 'S');
        add(counts_on_, 'C');
        add(overgives_, 'G');
        add(before_.guest_ooms > 0, 'O');
        add(before_.unserved_byte_s > 0, 'K');
        add(is_much(before_.stall_s, guest_s_), 'W');
        add(is_much(late_waited_s_, late_guest_s_), 'E');
        add(unready_, 'U');
        add(lent_for_nothing_, 'L');
        add(std::any_of(grew_.begin(), grew_.end(),
                        [this](const std::string& name) { return shrank_.contains(name); }),
            'R');
        return text;
    }

  private:
    static constexpr double kLast_s = 120;

    static bool is_much(double waited_s, double guest_s) {
        return 100 * waited_s > compare::kGoodStallPercent * guest_s;
    }

    double length_s_;
    Moment before_;
    bool swaps_ = false;
    bool counts_on_ = false;
    bool overgives_ = false;
    bool unready_ = false;
    bool lent_for_nothing_ = false;
    std::set<std::string> grew_;
    std::set<std::string> shrank_;
    double guest_s_ = 0;
    double late_guest_s_ = 0;
    double late_waited_s_ = 0;
};

}  // namespace ballast::test
