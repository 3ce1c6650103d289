#include "bus/bus_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>

#include "bus/fault_guard.h"

namespace ballast {
namespace {

Failure system_failure(const std::string& path, std::string_view what) {
    const int error = errno;
    const Errc code = error == EACCES || error == EPERM ? Errc::permission : Errc::io;
    return fail(code, fmt::format("{}: {}", path, what), error);
}

void futex_wake(std::uint32_t* word) noexcept {
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

// A new file beside `path`, not yet under its name; `name` is what it is called meanwhile.
Result<Fd> make_file(const std::string& path, std::size_t size, unsigned mode, std::string& name) {
    name = path + ".XXXXXX";
    Fd file(mkostemp(name.data(), O_CLOEXEC));
    if (!file) return system_failure(path, "cannot make a file beside it");
    // With all its blocks: a full disk is told now, and not by a signal later.
    const int error = posix_fallocate(file.get(), 0, static_cast<off_t>(size));
    if (error == 0 && fchmod(file.get(), mode) == 0) return file;
    if (error != 0) errno = error;
    const auto failure = system_failure(name, "cannot be given its size or mode");
    unlink(name.c_str());
    return failure;
}

// Maps `size` bytes for reading and writing, already there.
Result<unsigned char*> map(const Fd& file, std::size_t size, const std::string& path) {
    void* const start =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file.get(), 0);
    if (start == MAP_FAILED) return system_failure(path, "cannot be mapped");
    return static_cast<unsigned char*>(start);
}

Result<void> take_name(const std::string& name, const std::string& path) {
    if (rename(name.c_str(), path.c_str()) == 0) return {};
    const auto failure = system_failure(path, "cannot be replaced");
    unlink(name.c_str());
    return failure;
}

bool try_lock(const Fd& file) noexcept {
    flock lock{};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return fcntl(file.get(), F_OFD_SETLK, &lock) == 0;
}

// What has the name is replaced: only a bus is ours to replace.
Result<void> check_name(const std::string& path) {
    struct stat about {};
    if (lstat(path.c_str(), &about) != 0) return {};  // nothing, or an error that opening tells
    std::uint64_t magic = 0;
    const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    const bool is_bus = S_ISREG(about.st_mode) && file &&
                        pread(file.get(), &magic, sizeof(magic), 0) == sizeof(magic) &&
                        magic == BUS_MAGIC;
    const bool is_empty = S_ISREG(about.st_mode) && about.st_size == 0;
    if (is_bus || is_empty) return {};
    return fail(Errc::refused,
                path + ": exists and is no event bus; expected one, or a name that is free");
}

void read_boot_id(unsigned char (&id)[16]) {
    std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen("/proc/sys/kernel/random/boot_id", "re"),
                                               std::fclose);
    if (!file) return;
    std::size_t digits = 0;
    for (int c = 0; digits < 32 && (c = std::fgetc(file.get())) != EOF;) {
        if (c == '-') continue;
        const int value = c >= 'a' ? c - 'a' + 10 : c - '0';
        unsigned char& byte = id[digits / 2];
        byte = static_cast<unsigned char>((byte << 4) | (value & 15));
        ++digits;
    }
}

}  // namespace

Result<std::unique_ptr<BusFile>> BusFile::create(const std::string& path, const Options& options,
                                                 const Clock& clock) {
    std::unique_ptr<BusFile> file(new BusFile);
    file->path_ = path;
    if (auto fit = check_name(path); !fit) return Failure(fit.error());
    if (auto elected = file->be_elected(); !elected) return Failure(elected.error());
    if (auto locked = file->lock(); !locked) return Failure(locked.error());
    const auto epoch = file->next_epoch(clock);
    if (!epoch) return Failure(epoch.error());
    file->epoch_ = *epoch;
    const Fd old_file(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (auto made = file->make_waiting(options); !made) return Failure(made.error());
    if (auto made = file->make_ring(options, clock); !made) return Failure(made.error());
    file->tell_readers_of(old_file);
    return file;
}

BusFile::~BusFile() {
    bus_unguard(waiting_guard_);
    bus_unguard(guard_);
    if (waiting_ != nullptr) munmap(waiting_, BUS_HEADER_SIZE);
    if (start_ != nullptr) munmap(start_, size_);
}

// Who holds this lock is the writer, until its process ends. Nobody else may even open the file:
// whoever can read a file can lock it against us.
Result<void> BusFile::be_elected() {
    const std::string name = path_ + ".writer";
    elected_ = Fd(open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
    if (!elected_) return system_failure(name, "cannot be opened");
    if (try_lock(elected_)) return {};
    if (errno == EAGAIN || errno == EACCES)
        return fail(Errc::busy, fmt::format("{}: another process writes this event bus", path_));
    return system_failure(name, "cannot be locked");
}

// By this one readers see at once that the writer has ended. One who locks the file first only
// makes them look at the heartbeat.
Result<void> BusFile::lock() {
    const std::string name = path_ + ".lock";
    lock_ = Fd(open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644));
    if (!lock_) return system_failure(name, "cannot be opened");
    holds_lock_ = try_lock(lock_);
    struct stat about {};
    if (fstat(lock_.get(), &about) != 0) return system_failure(name, "cannot be looked at");
    lock_identity_ = {about.st_dev, about.st_ino};
    return {};
}

// The last epoch stands in the writer's file, which outlives every ring. From the clock, so that no
// two writers of this host have the same, whatever their path and however often it is started.
Result<std::uint64_t> BusFile::next_epoch(const Clock& clock) {
    std::uint64_t last = 0;
    const ssize_t got = pread(elected_.get(), &last, sizeof(last), 0);
    if (got < 0) return system_failure(path_ + ".writer", "cannot be read");
    if (got != static_cast<ssize_t>(sizeof(last)) || last == UINT64_MAX) last = 0;
    const auto now_us = clock.wall_now().time_since_epoch() / std::chrono::microseconds(1);
    const std::uint64_t epoch = std::max(last + 1, static_cast<std::uint64_t>(now_us));
    if (pwrite(elected_.get(), &epoch, sizeof(epoch), 0) != static_cast<ssize_t>(sizeof(epoch)))
        return system_failure(path_ + ".writer", "cannot be written");
    return epoch;
}

// Its only word says that a reader waits. Whoever may read the ring may write this; nothing but a
// needless wake-up comes of it.
Result<void> BusFile::make_waiting(const Options& options) {
    const unsigned may_read = options.mode & 0444U;
    std::string name;
    auto file = make_file(path_ + ".wait", BUS_HEADER_SIZE, options.mode | may_read >> 1U, name);
    if (!file) return Failure(file.error());
    auto start = map(*file, BUS_HEADER_SIZE, name);
    if (!start) {
        unlink(name.c_str());
        return Failure(start.error());
    }
    waiting_ = reinterpret_cast<std::uint32_t*>(*start);
    struct stat made {};
    if (fstat(file->get(), &made) != 0) return system_failure(name, "cannot be looked at");
    waiting_identity_ = {made.st_dev, made.st_ino};
    waiting_guard_ =
        bus_guard(waiting_, BUS_HEADER_SIZE, PROT_READ | PROT_WRITE, &waiting_damaged_);
    return take_name(name, path_ + ".wait");
}

Result<void> BusFile::make_ring(const Options& options, const Clock& clock) {
    size_ = BUS_HEADER_SIZE + std::size_t{options.slot_count} * BUS_SLOT_SIZE;
    slot_count_ = options.slot_count;
    std::string name;
    auto file = make_file(path_, size_, options.mode, name);
    if (!file) return Failure(file.error());
    auto start = map(*file, size_, name);
    if (!start) {
        unlink(name.c_str());
        return Failure(start.error());
    }
    start_ = *start;
    struct stat made {};
    if (fstat(file->get(), &made) != 0) return system_failure(name, "cannot be looked at");
    ring_identity_ = {made.st_dev, made.st_ino};
    guard_ = bus_guard(start_, size_, PROT_READ | PROT_WRITE, &damaged_);
    bus_header& about = header();
    about.version = BUS_VERSION;
    about.header_size = BUS_HEADER_SIZE;
    about.slot_size = BUS_SLOT_SIZE;
    about.slot_count = options.slot_count;
    about.epoch = epoch_;
    read_boot_id(about.boot_id);
    about.created_wall_ns = clock.wall_now().time_since_epoch() / Duration(1);
    about.writer_pid = static_cast<std::uint32_t>(getpid());
    about.holds_lock = holds_lock_ ? 1 : 0;
    about.heartbeat_interval_ns = BUS_HEARTBEAT_NS;
    beat(clock.now());
    // Last, and partner of the reader's first look: a file without it is none.
    std::atomic_ref(about.magic).store(BUS_MAGIC, std::memory_order_release);
    return take_name(name, path_);
}

// Readers of the file before wake up and look for the one that has its name now. It may be
// anything: nothing of it is believed but that it is large enough for what is written here.
void BusFile::tell_readers_of(const Fd& old_file) const noexcept {
    struct stat about {};
    if (!old_file || fstat(old_file.get(), &about) != 0 || !S_ISREG(about.st_mode) ||
        about.st_size < static_cast<off_t>(BUS_HEADER_SIZE))
        return;
    bus_header old{};
    if (pread(old_file.get(), &old, sizeof(old), 0) != static_cast<ssize_t>(sizeof(old)) ||
        old.magic != BUS_MAGIC || old.version != BUS_VERSION)
        return;
    const std::uint32_t superseded[] = {old.futex + 1, 1};
    static_assert(offsetof(bus_header, superseded) == offsetof(bus_header, futex) + 4);
    if (pwrite(old_file.get(), superseded, sizeof(superseded), offsetof(bus_header, futex)) < 0)
        return;
    void* const start = mmap(nullptr, BUS_HEADER_SIZE, PROT_READ, MAP_SHARED, old_file.get(), 0);
    if (start == MAP_FAILED) return;
    futex_wake(&static_cast<bus_header*>(start)->futex);
    munmap(start, BUS_HEADER_SIZE);
}

bool BusFile::leads_to(const std::string& name, const Identity& identity) noexcept {
    struct stat about {};
    return lstat(name.c_str(), &about) == 0 && about.st_dev == identity.device &&
           about.st_ino == identity.inode;
}

bool BusFile::has_names() const noexcept {
    return leads_to(path_, ring_identity_) && leads_to(path_ + ".wait", waiting_identity_) &&
           leads_to(path_ + ".lock", lock_identity_);
}

bool BusFile::is_waited_for() noexcept {
    std::atomic_ref<std::uint32_t> waiting(*waiting_);
    // seq_cst, after the head and before the word: a reader that says later that it waits sees the
    // head; one that said so before has seen the old word, and does not sleep on the new one.
    if (waiting.load(std::memory_order_seq_cst) == 0) return false;
    return waiting.exchange(0, std::memory_order_seq_cst) != 0;
}

void BusFile::wake() noexcept {
    futex_wake(&header().futex);
    ++wakes_;
}

void BusFile::beat(Time now) noexcept {
    std::atomic_ref(header().heartbeat_ns)
        .store(now.time_since_epoch().count(), std::memory_order_relaxed);
}

}  // namespace ballast
