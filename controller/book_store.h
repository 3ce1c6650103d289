// The state of all domains in a file, so that a daemon that starts knows what the one before did.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include "base/result.h"
#include "controller/book_file.h"

namespace ballast {

// Written by a thread of its own: nobody waits for the disk. What was put is on disk once durable()
// has reached its number.
class BookStore {
  public:
    using Ticket = std::uint64_t;  // 0: of nothing

    // Opens or makes the file, with its folder. Where it cannot be written, that is tried again
    // every few seconds; see write_error(). `before_write` is for tests: the thread calls it before
    // each write. Errors: busy (another process has it open), bad_data (of another program, or of a
    // later version), io (no thread).
    static Result<std::unique_ptr<BookStore>> open(
        const std::string& path, std::function<void()> before_write = [] {});
    // Writes what is left to write, unless the last attempt failed.
    ~BookStore();
    BookStore(const BookStore&) = delete;
    BookStore& operator=(const BookStore&) = delete;

    // What was in the file when it was opened, once.
    StoredDomains take_found() noexcept { return std::move(found_); }
    // What was wrong with it then, and where it is now; empty: nothing.
    const std::string& damage() const noexcept { return damage_; }
    const std::string& path() const noexcept { return path_; }

    // One thread, the loop's. Never block.
    Ticket put(const DomainKey& domain, StoredDomain row);
    void erase(const DomainKey& domain);

    // Any thread, never block. Everything that was put up to this number is on disk.
    Ticket durable() const noexcept { return durable_.load(std::memory_order_acquire); }
    // Why the last attempt to write failed; empty: it did not.
    std::string write_error() const;

    // Blocks until all that was put is written, or an attempt has failed.
    void flush();
    // What has not been written never will be, as if the process were killed. For tests.
    void abandon();

  private:
    // Without a value: the row goes.
    using Rows = std::unordered_map<DomainKey, std::unique_ptr<const StoredDomain>>;
    BookStore(std::string path, BookFile::Opened opened, std::function<void()> before_write);
    Ticket put_row(const DomainKey& domain, std::unique_ptr<const StoredDomain> row);
    void run();
    std::string write(const Rows& rows);
    std::string reopen();

    const std::string path_;
    const std::function<void()> before_write_;
    StoredDomains found_;
    std::string damage_;
    // Of the thread, once it runs.
    std::unique_ptr<BookFile> file_;
    StoredDomains written_;  // what a new file would have to hold

    std::atomic<Ticket> durable_{0};
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    // Guarded by mutex_.
    Rows waiting_;  // the latest of each domain
    Ticket last_ticket_ = 0;
    bool is_writing_ = false;
    std::string error_;
    bool ending_ = false;
    bool abandoned_ = false;
    std::thread thread_;
};

}  // namespace ballast
