// A Scheme from what one reader does: lock, unlock, and maybe an update.
#pragma once

#include <utility>

#include "probe/scheme.h"

namespace ballast::probe {

// Keeps the compiler from merging what is inside and outside of a read section.
[[gnu::always_inline]] inline void compiler_barrier() {
    asm volatile("" : : : "memory");
}

// `Lock` has `auto lock(unsigned reader)` and `void unlock(unsigned reader, token)`; where it wants
// them, `enter(reader)`, `leave(reader)`, `pause(reader)` (after each section) and `update()`.
template <class Lock>
class SchemeOf final : public Scheme {
  public:
    template <class... Arguments>
    explicit SchemeOf(Arguments&&... arguments) : lock_(std::forward<Arguments>(arguments)...) {}

    void enter(unsigned reader) override {
        if constexpr (requires { lock_.enter(reader); }) lock_.enter(reader);
    }
    void leave(unsigned reader) override {
        if constexpr (requires { lock_.leave(reader); }) lock_.leave(reader);
    }
    void read_section(unsigned reader, std::uint32_t loops) override {
        for (std::uint32_t left = loops; left > 0; --left) {
            auto token = lock_.lock(reader);
            compiler_barrier();
            lock_.unlock(reader, std::move(token));
        }
        pause(reader);
    }
    void delay_section(unsigned reader, std::uint32_t loops, const ReadDelay& delay) override {
        for (std::uint32_t left = loops; left > 0; --left) {
            auto token = lock_.lock(reader);
            delay.pass();
            lock_.unlock(reader, std::move(token));
        }
        pause(reader);
    }
    bool has_update() const noexcept override {
        return requires(Lock & lock) {
            lock.update();
        };
    }
    void update() override {
        if constexpr (requires { lock_.update(); }) lock_.update();
    }

  private:
    void pause(unsigned reader) {
        if constexpr (requires { lock_.pause(reader); }) lock_.pause(reader);
    }

    Lock lock_;
};

// What a scheme hands from lock to unlock when there is nothing.
struct NoToken {};

template <class Lock>
Result<std::unique_ptr<Scheme>> make_scheme(const Clock& /*clock*/) {
    return std::make_unique<SchemeOf<Lock>>();
}

}  // namespace ballast::probe
