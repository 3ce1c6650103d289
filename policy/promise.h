// What a guest was asked to give and has not given yet. For policy `ballast`.
#pragma once

#include <algorithm>
#include <limits>

namespace ballast {

// Bytes and seconds. One thread.
class Promise {
  public:
    // `kept` is what the guest keeps now, `passed_s` after the last look.
    void look(double kept, double passed_s) noexcept {
        const double gave = passed_s > 0 ? std::max(0.0, kept_ - kept) / passed_s : 0;
        kept_ = kept;
        if (!owes_ || kept <= asked_) {
            forget();
            return;
        }
        owed_s_ += passed_s;
        per_s_ = gave;
    }
    // It is to keep so much.
    void ask(double kept) noexcept {
        asked_ = kept;
        if (kept < kept_)
            owes_ = true;
        else
            forget();
    }
    void forget() noexcept {
        owes_ = false;
        owed_s_ = per_s_ = 0;
    }

    bool owes() const noexcept { return owes_; }
    double asked() const noexcept { return asked_; }
    // Nothing can be counted on.
    bool is_late() const noexcept { return most_bytes() <= 0; }
    // What can be counted on: a guest that is slow gives on as fast as it does, or not at all.
    double most_bytes() const noexcept {
        return owed_s_ < kPatience_s ? std::numeric_limits<double>::infinity() : per_s_ * kSoon_s;
    }
    // Of what was asked already.
    double coming_bytes() const noexcept {
        return owes_ ? std::min(kept_ - asked_, most_bytes()) : 0;
    }

  private:
    static constexpr double kPatience_s = 5;
    static constexpr double kSoon_s = 10;

    bool owes_ = false;
    double asked_ = 0;
    double kept_ = 0;
    double owed_s_ = 0;
    double per_s_ = 0;
};

}  // namespace ballast
