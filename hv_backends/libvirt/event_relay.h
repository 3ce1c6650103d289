// Where libvirt's callbacks (event thread) meet the backend (loop's thread).
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "hv_backends/backend.h"
#include "model/event.h"

namespace ballast {

// Something the observer must take into account at its next pass.
struct Note {
    enum class Kind : std::uint8_t {
        changed,          // devices or definition: read the XML again
        rebooted,         // the guest starts over
        paused,           // what we told the controller last
        resumed,          //
        migration_began,  //
        migration_ended,  //
    };
    DomainKey domain;
    Kind kind = Kind::changed;
};

// Any thread may call any method; each takes a short lock.
class EventRelay {
  public:
    explicit EventRelay(const Clock& clock) : clock_(clock) {}

    // Events go to `sink` until detach() returns; without a sink they are dropped.
    void attach(EventSink& sink);
    void detach();

    // Stamps the event with the time and hands it on.
    void send(Event event) noexcept;

    // The connection broke, or is there: backend_lost and backend_back, each once per change.
    // Without a sink nothing is told, but lost() holds.
    void report_lost(const std::string& why) noexcept;
    void report_connected() noexcept;
    bool lost() const noexcept;

    void note(const DomainKey& domain, Note::Kind kind) noexcept;
    // Moves what was noted into `into`, replacing its contents.
    void take_notes(std::vector<Note>& into) noexcept;

    // Whether take_notes() would yield that.
    bool noted(const DomainKey& domain, Note::Kind kind) const noexcept;

    // What a domain's balloon counts from, so that its size can be told as what is lent; 0 forgets
    // it.
    void set_ballooned(const DomainKey& domain, std::uint64_t bytes);
    std::uint64_t ballooned(const DomainKey& domain) const;

  private:
    void send_locked(Event&& event) noexcept;

    const Clock& clock_;
    mutable std::mutex mutex_;  // guards all below
    EventSink* sink_ = nullptr;
    bool lost_ = false;
    bool told_lost_ = false;
    std::vector<Note> notes_;
    std::unordered_map<DomainKey, std::uint64_t> ballooned_;
};

}  // namespace ballast
