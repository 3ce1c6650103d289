// The writer's side of the event bus's file: elected, made, replaced, beaten.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"
#include "bus/format.h"

namespace ballast {

// A mapped file with a name. The file keeps its size for as long as anybody maps it: a new writer
// makes a new one, which takes the name.
class BusFile {
  public:
    struct Options {
        std::uint32_t slot_count = 16384;  // a power of two
        unsigned mode = 0640;              // of the file; who may read may follow
    };

    // Becomes the writer of the bus at `path` and gives it a new file, with an epoch above all
    // before, whole and prefaulted; readers of an old one are told. Blocks on files. Errors: busy
    // (another process is the writer), refused (something that is no bus has that name), and those
    // of the operating system: permission, io.
    static Result<std::unique_ptr<BusFile>> create(const std::string& path, const Options& options,
                                                   const Clock& clock);
    ~BusFile();  // readers see that the writer has gone
    BusFile(const BusFile&) = delete;
    BusFile& operator=(const BusFile&) = delete;

    bus_header& header() const noexcept { return *reinterpret_cast<bus_header*>(start_); }
    unsigned char* slots() const noexcept { return start_ + BUS_HEADER_SIZE; }
    std::uint32_t slot_count() const noexcept { return slot_count_; }
    std::uint64_t epoch() const noexcept { return epoch_; }
    const std::string& path() const noexcept { return path_; }

    // Whether a reader said that it waits, since it was last asked. The writer, in each batch,
    // between Ring::publish_head() and Ring::change_word().
    bool is_waited_for() noexcept;
    // Wakes all that wait: the more there are, the longer it takes. Any thread.
    void wake() noexcept;
    // Says that the writer lives; at least once a second.
    void beat(Time now) noexcept;
    // Somebody else has made the file shorter: nobody reads what is published there.
    bool damaged() const noexcept { return damaged_; }
    // Whether its paths still lead to this file. A reader that comes later cannot attach where they
    // do not. Makes system calls.
    bool has_names() const noexcept;
    // Calls of wake().
    std::uint64_t wakes() const noexcept { return wakes_; }

  private:
    BusFile() = default;
    Result<void> be_elected();
    Result<void> lock();
    Result<std::uint64_t> next_epoch(const Clock& clock);
    Result<void> make_waiting(const Options& options);
    Result<void> make_ring(const Options& options, const Clock& clock);
    void tell_readers_of(const Fd& old_file) const noexcept;

    // What a name leads to.
    struct Identity {
        dev_t device = 0;
        ino_t inode = 0;
    };
    static bool leads_to(const std::string& name, const Identity& identity) noexcept;

    std::string path_;
    Identity ring_identity_;
    Identity waiting_identity_;
    Identity lock_identity_;
    Fd elected_;  // locked: we are the writer
    Fd lock_;     // locked: we live
    std::uint64_t epoch_ = 0;
    unsigned char* start_ = nullptr;
    std::size_t size_ = 0;
    std::uint32_t slot_count_ = 0;
    int guard_ = -1;
    volatile bool damaged_ = false;
    bool holds_lock_ = false;
    // In a file that readers may write, and make shorter.
    std::uint32_t* waiting_ = nullptr;
    int waiting_guard_ = -1;
    volatile bool waiting_damaged_ = false;
    std::atomic<std::uint64_t> wakes_{0};
};

}  // namespace ballast
