#include "hv_backends/modules/module_elf.h"

#include <elf.h>
#include <link.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "hv_backends/modules/descriptor.h"

namespace ballast {
namespace {

using Contents = std::span<const std::byte>;

constexpr std::string_view kSymbol = "ballast_module";

// `count` bytes from `offset` on; empty if they are not all there.
Contents part(Contents contents, std::uint64_t offset, std::uint64_t count) {
    if (offset > contents.size() || count > contents.size() - offset) return {};
    return contents.subspan(offset, count);
}

template <class T>
std::optional<T> read(Contents contents, std::uint64_t offset) {
    const Contents bytes = part(contents, offset, sizeof(T));
    if (bytes.empty()) return std::nullopt;
    T value;
    std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
}

// The value of the defined data symbol; nullopt: there is none.
std::optional<ElfW(Addr)> address_of_symbol(Contents contents, const ElfW(Ehdr) & header) {
    const auto section = [&](std::uint64_t index) {
        return read<ElfW(Shdr)>(contents, header.e_shoff + index * sizeof(ElfW(Shdr)));
    };
    for (std::uint64_t i = 0; i < header.e_shnum; ++i) {
        const auto symbols = section(i);
        if (!symbols || symbols->sh_type != SHT_DYNSYM || symbols->sh_link >= header.e_shnum)
            continue;
        const auto strings = section(symbols->sh_link);
        if (!strings) continue;
        const Contents table = part(contents, symbols->sh_offset, symbols->sh_size);
        const Contents names = part(contents, strings->sh_offset, strings->sh_size);
        for (std::uint64_t at = 0; at < table.size(); at += sizeof(ElfW(Sym))) {
            const auto symbol = read<ElfW(Sym)>(table, at);
            if (!symbol || symbol->st_shndx == SHN_UNDEF ||
                ELF64_ST_TYPE(symbol->st_info) != STT_OBJECT)
                continue;
            // With its NUL.
            const Contents name = part(names, symbol->st_name, kSymbol.size() + 1);
            if (!name.empty() && std::memcmp(name.data(), kSymbol.data(), name.size()) == 0)
                return symbol->st_value;
        }
    }
    return std::nullopt;
}

// Where in the file the bytes are that will be mapped at `address`.
std::optional<std::uint64_t> offset_of(Contents contents, const ElfW(Ehdr) & header,
                                       ElfW(Addr) address) {
    for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
        const auto segment = read<ElfW(Phdr)>(contents, header.e_phoff + i * sizeof(ElfW(Phdr)));
        if (segment && segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
            address - segment->p_vaddr < segment->p_filesz)
            return segment->p_offset + (address - segment->p_vaddr);
    }
    return std::nullopt;
}

}  // namespace

Result<void> check_module_elf(Contents contents) {
    constexpr unsigned char kClass = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
    const auto header = read<ElfW(Ehdr)>(contents, 0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_ident[EI_CLASS] != kClass || header->e_type != ET_DYN ||
        header->e_shentsize != sizeof(ElfW(Shdr)) || header->e_phentsize != sizeof(ElfW(Phdr)))
        return fail(Errc::bad_data, "it is not a shared object of this machine");
    if (part(contents, header->e_shoff, header->e_shnum * sizeof(ElfW(Shdr))).empty())
        return fail(Errc::bad_data, "its section headers are not all there");
    const auto address = address_of_symbol(contents, *header);
    if (!address)
        return fail(Errc::bad_data, "it lacks the symbol ballast_module: not a Ballast module");
    const auto offset = offset_of(contents, *header, *address);
    const auto magic =
        offset ? read<std::uint64_t>(contents, *offset) : std::optional<std::uint64_t>();
    const auto version = offset ? read<std::uint32_t>(contents, *offset + sizeof(std::uint64_t))
                                : std::optional<std::uint32_t>();
    if (!magic || !version)
        return fail(Errc::bad_data, "its symbol ballast_module is not in the file");
    return check_identity(*magic, *version);
}

}  // namespace ballast
