// The hash FNV-1a with 64 bits: short, and no two texts that differ in one byte alone have the
// same.
#pragma once

#include <cstdint>
#include <string_view>

namespace ballast {

inline constexpr std::uint64_t kFnv1aSeed = 0xcbf29ce484222325ULL;

constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t seed = kFnv1aSeed) noexcept {
    std::uint64_t hash = seed;
    for (const char c : text) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3ULL;
    }
    return hash;
}

}  // namespace ballast
