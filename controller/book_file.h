// The file with the state of all domains: an SQLite database.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <unordered_map>

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

struct StoredDomain {
    std::string name;  // for people
    StoredBooks books;
    std::string settings;  // that operators made at run time; see runtime_settings.h
};
using StoredDomains = std::unordered_map<DomainKey, StoredDomain>;

// The row of the settings that operators made at run time for all domains.
inline constexpr DomainKey kAllDomains{};

// One thread at a time.
class BookFile {
  public:
    struct Opened {
        std::unique_ptr<BookFile> file;  // null: it cannot be written
        StoredDomains rows;              // those that are whole
        std::string damage;              // empty: none was found
        std::string problem;             // why it cannot be written
    };

    // Opens or makes it, with its folder. A damaged file is moved aside, and a new one made with
    // what is whole of it. Errors: busy (another process has it open), bad_data (of another program
    // or of a later version).
    static Result<Opened> open(const std::string& path);

    // Whether the path still leads to the file that is open.
    bool is_in_place() const noexcept;
    // A row without a value goes. On disk when it returns, also if the power fails then. Errors:
    // bad_data (the file is damaged), io.
    Result<void> write(
        const std::unordered_map<DomainKey, std::unique_ptr<const StoredDomain>>& rows);
    // Moves what is in the log into the database.
    void checkpoint() noexcept;

    ~BookFile();
    BookFile(const BookFile&) = delete;
    BookFile& operator=(const BookFile&) = delete;

  private:
    struct Database;
    explicit BookFile(std::unique_ptr<Database> database) noexcept;
    static std::unique_ptr<BookFile> make(const std::string& path, const StoredDomains& rows);

    std::unique_ptr<Database> database_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

}  // namespace ballast
