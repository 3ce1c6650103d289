// Commands that end in good order at a first signal; a second one ends the process.
#pragma once

#include <array>
#include <csignal>

namespace ballast::ctl {

// One at a time.
class Interruptible {
  public:
    Interruptible() {
        asked_ = 0;
        struct sigaction action {};
        action.sa_handler = [](int) { asked_ = 1; };
        action.sa_flags = static_cast<int>(SA_RESETHAND);
        for (std::size_t i = 0; i < kSignals.size(); ++i)
            sigaction(kSignals[i], &action, &before_[i]);
    }
    ~Interruptible() {
        for (std::size_t i = 0; i < kSignals.size(); ++i)
            sigaction(kSignals[i], &before_[i], nullptr);
    }
    Interruptible(const Interruptible&) = delete;
    Interruptible& operator=(const Interruptible&) = delete;

    bool interrupted() const noexcept { return asked_ != 0; }

  private:
    static constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};
    static inline volatile std::sig_atomic_t asked_ = 0;
    std::array<struct sigaction, kSignals.size()> before_{};
};

}  // namespace ballast::ctl
