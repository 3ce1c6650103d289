// The books of all domains in a file, so that a daemon that starts knows what the one before did.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include "base/clock.h"
#include "base/result.h"
#include "model/domain.h"

namespace ballast {

// What is kept of one domain; see DomainControl.
struct StoredBooks {
    std::uint64_t original_loaned_bytes = 0;
    std::uint64_t oom_freed_bytes = 0;
    std::uint64_t loaned_bytes = 0;
    std::uint64_t set_bytes = kUnknownBytes;
    std::uint64_t borrowed_bytes = 0;

    friend bool operator==(const StoredBooks&, const StoredBooks&) = default;
};

// An SQLite database, written by a thread of its own: nobody waits for the disk. What was put
// outlives the process once it is written, a moment later.
class BookStore {
  public:
    // Opens or makes it, with its folder. Errors: busy (another process keeps its books there),
    // bad_data (it is something else, or of a later version), permission, io.
    static Result<std::unique_ptr<BookStore>> open(const std::string& path, const Clock& clock);
    // Writes what is left to write.
    ~BookStore();
    BookStore(const BookStore&) = delete;
    BookStore& operator=(const BookStore&) = delete;

    // As they were when it was opened. Books of domains that nobody has seen for 30 days are gone.
    const std::unordered_map<DomainKey, StoredBooks>& found() const noexcept { return found_; }

    // One thread. Never block. `name` is for people.
    void put(const DomainKey& domain, const std::string& name, const StoredBooks& books);
    void erase(const DomainKey& domain);

  private:
    struct Database;
    struct Change {
        std::string name;
        StoredBooks books;
        bool erased = false;
        std::int64_t written_s = 0;  // wall clock, since 1970
    };
    using Changes = std::unordered_map<DomainKey, Change>;
    BookStore(std::unique_ptr<Database> database, const Clock& clock);
    void run();

    const Clock& clock_;
    std::unique_ptr<Database> database_;  // of the thread, once it runs
    std::unordered_map<DomainKey, StoredBooks> found_;
    std::mutex mutex_;
    std::condition_variable changed_;
    // Guarded by mutex_.
    Changes waiting_;  // the latest of each domain
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace ballast
