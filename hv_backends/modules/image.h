// A module's code: a shared object that is mapped, or a part of this program.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "hv_backends/module_abi.h"
#include "hv_backends/modules/module_file.h"

namespace ballast {

class ModuleImage {
  public:
    // Of this program; `module` stays.
    static ModuleImage builtin(const ballast_backend_module& module) noexcept;
    // Opens the file (see open_module_file) and maps it.
    static Result<ModuleImage> open(const ModuleFile& file, const std::string& label);
    // Maps a private copy of a file that open_module_file opened, so that neither another version
    // at the same path nor a change of the file meets the code that runs. The copy is checked (see
    // check_module_elf) before the constructors of the file and of what it needs run. It shows as
    // "memfd:ballast-LABEL" in the process's map. `path` is for messages. Blocks on the file.
    // Errors: bad_data, unsupported (see check_descriptor), io.
    static Result<ModuleImage> map(const Fd& file, const std::string& path,
                                   const std::string& label);

    ModuleImage() noexcept = default;
    ModuleImage(ModuleImage&& other) noexcept;
    ModuleImage& operator=(ModuleImage&& other) noexcept;
    // Unmaps.
    ~ModuleImage();

    // Not after close().
    const ballast_backend_module& module() const noexcept { return *module_; }
    bool is_builtin() const noexcept { return handle_ == nullptr; }

    // Unmaps; true if the code is really gone, which a built-in's never is. Idempotent.
    bool close() noexcept;
    // Gives the mapping up without unmapping it: its code stays for good.
    void abandon() noexcept;

  private:
    ModuleImage(const ballast_backend_module* module, void* handle, Fd copy) noexcept;

    const ballast_backend_module* module_ = nullptr;
    void* handle_ = nullptr;
    Fd copy_;  // open while mapped: its number is part of the name by which the loader knows it
};

}  // namespace ballast
