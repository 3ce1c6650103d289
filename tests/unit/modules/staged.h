// Shared objects of the build, copied to where only this user may write.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "hv_backends/modules/module_backend.h"
#include "hv_backends/modules/module_file.h"
#include "tests/unit/http/temp_dir.h"

namespace ballast::test {

class Staged {
  public:
    // The path of a copy of the build's NAME.so.
    std::string operator()(const std::string& name) const {
        const std::string file = name + ".so";
        std::filesystem::copy_file(std::filesystem::path(BALLAST_TEST_MODULES) / file,
                                   folder() / file,
                                   std::filesystem::copy_options::overwrite_existing);
        ::chmod((folder() / file).c_str(), 0755);
        return folder() / file;
    }
    // The same, as the only directory's.
    ModuleFile file(const std::string& name) const { return {folder(), (*this)(name)}; }
    std::filesystem::path folder() const {
        return std::filesystem::path(folder_.path("x")).parent_path();
    }

  private:
    TempDir folder_;
};

// Whether the process has a mapping whose line holds `part`.
inline bool mapped(const std::string& part) {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);)
        if (line.find(part) != line.npos) return true;
    return false;
}

inline ModuleConfig behaving(const std::string& behaviour) {
    ModuleConfig config;
    config.settings = {{"behaviour", behaviour}};
    return config;
}

}  // namespace ballast::test
