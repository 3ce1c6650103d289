#include "hv_backends/modules/image.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "hv_backends/modules/descriptor.h"
#include "hv_backends/modules/module_elf.h"

namespace ballast {
namespace {

constexpr off_t kMostImageBytes = off_t{256} << 20;

std::string name_of(const Fd& copy) {
    return fmt::format("/proc/self/fd/{}", copy.get());
}

// A copy that nobody can change any more.
Result<Fd> copy_of(const Fd& file, const std::string& label) {
    struct stat found {};
    if (::fstat(file.get(), &found) != 0) return fail(Errc::io, "its size", errno);
    if (found.st_size > kMostImageBytes) return fail(Errc::bad_data, "it is larger than 256 MiB");
    Fd copy(::memfd_create(("ballast-" + label).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!copy) return fail(Errc::io, "cannot make room for a copy", errno);
    for (off_t left = found.st_size; left > 0;) {
        const ssize_t sent =
            ::sendfile(copy.get(), file.get(), nullptr, static_cast<std::size_t>(left));
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return fail(Errc::io, "cannot copy it", errno);
        if (sent == 0) return fail(Errc::bad_data, "it shrank while it was read");
        left -= sent;
    }
    constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    if (::fcntl(copy.get(), F_ADD_SEALS, kSeals) != 0)
        return fail(Errc::io, "cannot seal the copy", errno);
    return copy;
}

// Before the loader sees it.
Result<void> check_copy(const Fd& copy) {
    struct stat found {};
    if (::fstat(copy.get(), &found) != 0) return fail(Errc::io, "its size", errno);
    const auto size = static_cast<std::size_t>(found.st_size);
    if (size == 0) return fail(Errc::bad_data, "it is empty");
    void* const start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, copy.get(), 0);
    if (start == MAP_FAILED) return fail(Errc::io, "cannot read the copy", errno);
    auto checked = check_module_elf({static_cast<const std::byte*>(start), size});
    ::munmap(start, size);
    return checked;
}

// What the loader complained of, with the file's own name.
std::string loader_error(const std::string& copy_name, const std::string& path) {
    const char* const said = ::dlerror();
    std::string text = said == nullptr ? "the loader refused it" : said;
    for (std::size_t at = 0; (at = text.find(copy_name, at)) != text.npos; at += path.size())
        text.replace(at, copy_name.size(), path);
    return text;
}

bool is_mapped(const std::string& name) noexcept {
    struct Search {
        std::string_view name;
        bool found = false;
    } search{name};
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* data) {
            auto& wanted = *static_cast<Search*>(data);
            wanted.found = wanted.found || wanted.name == info->dlpi_name;
            return wanted.found ? 1 : 0;
        },
        &search);
    return search.found;
}

}  // namespace

ModuleImage::ModuleImage(const ballast_backend_module* module, void* handle, Fd copy) noexcept
    : module_(module), handle_(handle), copy_(std::move(copy)) {}

ModuleImage::ModuleImage(ModuleImage&& other) noexcept
    : module_(std::exchange(other.module_, nullptr)),
      handle_(std::exchange(other.handle_, nullptr)),
      copy_(std::move(other.copy_)) {}

ModuleImage& ModuleImage::operator=(ModuleImage&& other) noexcept {
    if (this != &other) {
        close();
        module_ = std::exchange(other.module_, nullptr);
        handle_ = std::exchange(other.handle_, nullptr);
        copy_ = std::move(other.copy_);
    }
    return *this;
}

ModuleImage::~ModuleImage() {
    close();
}

ModuleImage ModuleImage::builtin(const ballast_backend_module& module) noexcept {
    return {&module, nullptr, Fd()};
}

Result<ModuleImage> ModuleImage::open(const ModuleFile& file, const std::string& label) {
    const auto opened = open_module_file(file);
    if (!opened) return Failure(opened.error());
    return map(*opened, file.path, label);
}

Result<ModuleImage> ModuleImage::map(const Fd& file, const std::string& path,
                                     const std::string& label) {
    auto copy = copy_of(file, label);
    if (!copy) return with_context(copy.error(), path);
    if (auto checked = check_copy(*copy); !checked) return with_context(checked.error(), path);
    const std::string name = name_of(*copy);
    void* const handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return fail(Errc::bad_data, loader_error(name, path));
    ModuleImage image(nullptr, handle, std::move(*copy));
    const void* const symbol = ::dlsym(handle, "ballast_module");
    if (symbol == nullptr)
        return fail(
            Errc::bad_data,
            fmt::format("{}: it lacks the symbol ballast_module: not a Ballast module", path));
    image.module_ = static_cast<const ballast_backend_module*>(symbol);
    if (auto checked = check_descriptor(*image.module_); !checked)
        return with_context(checked.error(), path);
    return image;
}

bool ModuleImage::close() noexcept {
    module_ = nullptr;
    if (handle_ == nullptr) return false;
    ::dlclose(std::exchange(handle_, nullptr));
    const bool gone = !is_mapped(name_of(copy_));
    // While it is mapped its name is taken: the loader would answer the next file of that name
    // with this code.
    if (!gone) static_cast<void>(copy_.release());
    copy_ = Fd();
    return gone;
}

void ModuleImage::abandon() noexcept {
    module_ = nullptr;
    handle_ = nullptr;
    static_cast<void>(copy_.release());
}

}  // namespace ballast
