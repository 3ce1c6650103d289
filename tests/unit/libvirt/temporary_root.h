// A file system of our own making below a temporary folder.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace ballast::test {

class TemporaryRoot {
  public:
    TemporaryRoot() {
        std::string name =
            (std::filesystem::temp_directory_path() / "ballast-root-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    ~TemporaryRoot() { std::filesystem::remove_all(path_); }
    TemporaryRoot(const TemporaryRoot&) = delete;
    TemporaryRoot& operator=(const TemporaryRoot&) = delete;
    void write(const std::string& name, const std::string& text) const {
        const std::filesystem::path file = path_ / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }
    void remove(const std::string& name) const { std::filesystem::remove_all(path_ / name); }
    std::string path() const { return path_.string(); }

  private:
    std::filesystem::path path_;
};

}  // namespace ballast::test
