// What a scheme under measurement can do: the probe's operations table.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace ballast::probe {

// What a reader may do between lock and unlock, and who may be one.
struct Traits {
    bool may_sleep = false;     // readers may block
    bool any_thread = false;    // threads need not be registered
    bool long_holds = false;    // an updater does not wait for the longest reader of all
    bool keeps_object = false;  // while one reads, what it reads stays
};

// Busy for as long, inside a read section.
class ReadDelay {
  public:
    ReadDelay(const Clock& clock, Duration length) : clock_(clock), length_(length) {}
    void pass() const noexcept {
        const Time end = clock_.now() + length_;
        while (clock_.now() < end) {
        }
    }

  private:
    const Clock& clock_;
    Duration length_;
};

// One scheme, ready: construction is the table's init, destruction its cleanup. Several readers at
// once, each with a number of its own below max_readers; one updater, which is one of them.
// Follows struct ref_scale_ops.
class Scheme {
  public:
    static constexpr unsigned max_readers = 256;

    Scheme() = default;
    Scheme(const Scheme&) = delete;
    Scheme& operator=(const Scheme&) = delete;
    virtual ~Scheme() = default;

    // On a reader's thread, before its first section and after its last.
    virtual void enter(unsigned /*reader*/) {}
    virtual void leave(unsigned /*reader*/) {}
    // Takes and drops the reference exactly `loops` times.
    virtual void read_section(unsigned reader, std::uint32_t loops) = 0;
    virtual void delay_section(unsigned reader, std::uint32_t loops, const ReadDelay& delay) = 0;
    // What an updater pays to know that no reader is left, or to change what they read: a grace
    // period, a removal, a lock for writing. On a thread that has entered.
    virtual bool has_update() const noexcept { return false; }
    virtual void update() {}
};

// A row of the table of all schemes.
struct ScaleType {
    std::string_view name;
    std::string_view about;   // for people
    std::string_view update;  // what update() does; empty: the scheme has none
    Traits traits;
    // Errors: unsupported (this machine cannot do it).
    Result<std::unique_ptr<Scheme>> (*make)(const Clock& clock);
};

// All, in the order in which they are shown.
const std::vector<ScaleType>& scale_types();
// nullptr: no such type.
const ScaleType* find_scale_type(std::string_view name);

}  // namespace ballast::probe
