// Publishes typed records on the event bus.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/clock.h"
#include "bus/ballast_bus.h"
#include "bus/bus_file.h"
#include "bus/ring.h"
#include "bus/waker.h"

namespace ballast {

// One thread. Nothing but create() blocks or fails.
class BusWriter {
  public:
    // Errors: those of BusFile::create. `clock` outlives it.
    static Result<std::unique_ptr<BusWriter>> create(const std::string& path,
                                                     const BusFile::Options& options,
                                                     const Clock& clock);

    // A record of one of the structures in ballast_bus.h, in its present version.
    template <class Payload>
    void publish(ballast_bus_type type, const Payload& payload) noexcept {
        static_assert(std::is_trivially_copyable_v<Payload> &&
                      sizeof(Payload) <= BALLAST_BUS_MAX_PAYLOAD);
        publish_bytes(type, std::as_bytes(std::span(&payload, 1)));
    }
    // A text, cut at what a record holds.
    void publish_notice(ballast_bus_type type, std::string_view text) noexcept;
    // Ends a batch: readers that wait are woken, and the next records have a later time.
    void commit() noexcept;
    // At least once a second.
    void beat() noexcept { file_->beat(clock_.now()); }

    // What is published after a commit is as good as lost without another.
    ~BusWriter() { commit(); }
    BusWriter(const BusWriter&) = delete;
    BusWriter& operator=(const BusWriter&) = delete;

    const BusFile& file() const noexcept { return *file_; }

  private:
    BusWriter(std::unique_ptr<BusFile> file, const Clock& clock);
    void publish_bytes(std::uint16_t type, std::span<const std::byte> payload) noexcept;

    const Clock& clock_;
    std::unique_ptr<BusFile> file_;
    Ring<> ring_;
    Ring<>::Stamp now_;  // of this batch
    bool in_batch_ = false;
    Waker waker_;
};

// Which domain, as records tell it; the name is cut at a character.
ballast_bus_domain bus_domain(std::span<const unsigned char, 16> uuid,
                              std::string_view name) noexcept;
// `text`, cut at a character where it has to be, and a NUL.
void copy_text(std::span<char> into, std::string_view text) noexcept;

}  // namespace ballast
