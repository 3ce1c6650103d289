#include "controller/book_store.h"

#include <fmt/format.h>

#include <chrono>
#include <system_error>
#include <utility>

#include "base/log.h"

namespace ballast {
namespace {

// What could not be written is tried again so much later.
constexpr std::chrono::seconds kRetryEvery{5};

}  // namespace

Result<std::unique_ptr<BookStore>> BookStore::open(const std::string& path,
                                                   std::function<void()> before_write) {
    auto opened = BookFile::open(path);
    if (!opened) return Failure(opened.error());
    try {
        return std::unique_ptr<BookStore>(
            new BookStore(path, std::move(*opened), std::move(before_write)));
    } catch (const std::system_error& error) {
        return fail(Errc::io, fmt::format("{}: no thread to write it: {}", path, error.what()));
    }
}

BookStore::BookStore(std::string path, BookFile::Opened opened, std::function<void()> before_write)
    : path_(std::move(path)),
      before_write_(std::move(before_write)),
      found_(std::move(opened.rows)),
      damage_(std::move(opened.damage)),
      file_(std::move(opened.file)),
      written_(found_),
      error_(std::move(opened.problem)) {
    if (!damage_.empty()) log::error("{}: the state is damaged: {}", path_, damage_);
    if (!error_.empty())
        log::error("{}: the state cannot be written: {}; no domain is to lend more", path_, error_);
    thread_ = std::thread([this] { run(); });
}

BookStore::~BookStore() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

BookStore::Ticket BookStore::put_row(const DomainKey& domain,
                                     std::unique_ptr<const StoredDomain> row) {
    Ticket ticket = 0;
    {
        const std::lock_guard lock(mutex_);
        ticket = ++last_ticket_;
        waiting_.insert_or_assign(domain, std::move(row));
    }
    changed_.notify_all();
    return ticket;
}

BookStore::Ticket BookStore::put(const DomainKey& domain, StoredDomain row) {
    return put_row(domain, std::make_unique<const StoredDomain>(std::move(row)));
}

void BookStore::erase(const DomainKey& domain) {
    put_row(domain, nullptr);
}

std::string BookStore::write_error() const {
    const std::lock_guard lock(mutex_);
    return error_;
}

void BookStore::flush() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !is_writing_ && (waiting_.empty() || !error_.empty()); });
}

void BookStore::abandon() {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
    waiting_.clear();
}

// A new file, with all that the one before held or should have. Answers why there is none.
std::string BookStore::reopen() {
    file_.reset();
    auto opened = BookFile::open(path_);
    if (!opened) return opened.error().message();
    if (!opened->damage.empty()) log::error("{}: the state is damaged: {}", path_, opened->damage);
    if (opened->file == nullptr) return opened->problem;
    Rows all;
    for (const auto& [key, row] : written_)
        all.emplace(key, std::make_unique<const StoredDomain>(row));
    if (auto written = opened->file->write(all); !written) return written.error().message();
    file_ = std::move(opened->file);
    return {};
}

// Answers why it failed.
std::string BookStore::write(const Rows& rows) {
    if (file_ != nullptr && !file_->is_in_place()) {
        log::error("{}: somebody has removed or replaced it; it is written anew", path_);
        file_.reset();
    }
    if (file_ == nullptr) {
        if (std::string problem = reopen(); !problem.empty()) return problem;
    }
    if (auto done = file_->write(rows); !done) {
        if (done.error().code == Errc::bad_data) file_.reset();
        return done.error().message();
    }
    for (const auto& [key, row] : rows) {
        if (row == nullptr)
            written_.erase(key);
        else
            written_.insert_or_assign(key, *row);
    }
    return {};
}

void BookStore::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        Rows rows = std::move(waiting_);
        waiting_.clear();
        const Ticket ticket = last_ticket_;
        is_writing_ = true;
        lock.unlock();
        before_write_();
        lock.lock();
        if (abandoned_) rows.clear();
        lock.unlock();
        std::string problem = write(rows);
        lock.lock();
        is_writing_ = false;
        const bool was_told = problem == error_;
        const bool had_failed = !error_.empty();
        error_ = problem;
        if (problem.empty()) {
            durable_.store(ticket, std::memory_order_release);
            const bool idle = waiting_.empty();
            lock.unlock();
            if (had_failed) log::info("{}: the state can be written again", path_);
            changed_.notify_all();
            // It is durable already; while more waits, that comes first.
            if (idle) file_->checkpoint();
            lock.lock();
            continue;
        }
        // What is newer stays.
        for (auto& [key, row] : rows) waiting_.try_emplace(key, std::move(row));
        lock.unlock();
        if (!was_told)
            log::error("{}: the state cannot be written: {}; no domain is to lend more", path_,
                       problem);
        changed_.notify_all();
        lock.lock();
        if (ending_) return;
        changed_.wait_for(lock, kRetryEvery, [this] { return ending_; });
    }
}

}  // namespace ballast
