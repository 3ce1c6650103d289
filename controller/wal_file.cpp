#include "controller/wal_file.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string_view>

namespace ballast {
namespace {

// https://www.sqlite.org/fileformat2.html#walformat
constexpr std::size_t kHeaderBytes = 32;
constexpr std::size_t kFrameHeaderBytes = 24;
constexpr std::uint32_t kMagic = 0x377f0682;  // its lowest bit: checksums are of big-endian words
constexpr std::uint32_t kLeastPage = 512;
constexpr std::uint32_t kLargestPage = 65536;

std::uint32_t word(std::string_view bytes, std::size_t at, bool big_endian) noexcept {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        const std::size_t shift = big_endian ? 24 - 8 * i : 8 * i;
        value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + i])) << shift;
    }
    return value;
}

struct Checksum {
    std::uint32_t first = 0;
    std::uint32_t second = 0;
    bool big_endian = false;

    void add(std::string_view bytes) noexcept {
        for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
            first += word(bytes, at, big_endian) + second;
            second += word(bytes, at + 4, big_endian) + first;
        }
    }
    bool stands_at(std::string_view bytes, std::size_t at) const noexcept {
        return word(bytes, at, true) == first && word(bytes, at + 4, true) == second;
    }
};

}  // namespace

std::string wal_damage(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    const std::string_view bytes = content;
    if (bytes.size() < kHeaderBytes) return {};
    const std::uint32_t magic = word(bytes, 0, true);
    const std::uint32_t page = word(bytes, 8, true);
    Checksum sum{0, 0, (magic & 1U) != 0};
    sum.add(bytes.substr(0, 24));
    if ((magic & ~1U) != kMagic || page < kLeastPage || page > kLargestPage ||
        !sum.stands_at(bytes, 24))
        return "the header of its log is damaged";
    const std::size_t frame_bytes = kFrameHeaderBytes + page;
    std::size_t number = 1;
    for (std::size_t at = kHeaderBytes; at + frame_bytes <= bytes.size(); at += frame_bytes) {
        sum.add(bytes.substr(at, 8));
        sum.add(bytes.substr(at + kFrameHeaderBytes, page));
        const bool same_salt = bytes.substr(at + 8, 8) == bytes.substr(16, 8);
        if (!same_salt || !sum.stands_at(bytes, at + 16))
            return fmt::format("frame {} of its log is damaged", number);
        ++number;
    }
    return {};
}

}  // namespace ballast
