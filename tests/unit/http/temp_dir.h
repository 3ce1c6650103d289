// A folder of its own for one test, gone afterwards.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace ballast::test {

class TempDir {
  public:
    TempDir() : TempDir(std::filesystem::temp_directory_path()) {}
    explicit TempDir(const std::filesystem::path& parent) {
        std::string pattern = (parent / "ballast-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
        root_ = pattern;
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(root_, ignored);
    }
    std::string path(const std::string& name) const { return root_ + "/" + name; }

    // In memory where the machine offers that: nobody waits for a disk.
    static std::filesystem::path in_memory() {
        const std::filesystem::path shared = "/dev/shm";
        return ::access(shared.c_str(), W_OK) == 0 ? shared
                                                   : std::filesystem::temp_directory_path();
    }

  private:
    std::string root_;
};

}  // namespace ballast::test
