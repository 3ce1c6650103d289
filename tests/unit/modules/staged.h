// Shared objects of the build, copied to where only this user may write.
#pragma once

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "hv_backends/modules/module_backend.h"

namespace ballast::test {

class Staged {
  public:
    Staged() {
        char folder[] = "/tmp/ballast-modules-XXXXXX";
        folder_ = ::mkdtemp(folder);
    }
    ~Staged() { std::filesystem::remove_all(folder_); }
    Staged(const Staged&) = delete;
    Staged& operator=(const Staged&) = delete;

    // The path of a copy of the build's NAME.so.
    std::string operator()(const std::string& name) const {
        const std::filesystem::path copy = folder_ / (name + ".so");
        std::filesystem::copy_file(std::filesystem::path(BALLAST_TEST_MODULES) / (name + ".so"),
                                   copy, std::filesystem::copy_options::overwrite_existing);
        ::chmod(copy.c_str(), 0755);
        return copy;
    }
    const std::filesystem::path& folder() const { return folder_; }

  private:
    std::filesystem::path folder_;
};

inline ModuleConfig behaving(const std::string& behaviour) {
    ModuleConfig config;
    config.settings = {{"behaviour", behaviour}};
    return config;
}

}  // namespace ballast::test
