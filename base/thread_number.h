// Small numbers for the threads that run now.
#pragma once

#include <cstdint>

namespace ballast {

// What this_thread_number() answers on a thread that has already given its number back.
inline constexpr std::uint32_t no_thread_number = UINT32_MAX;

// The calling thread's number, the lowest that was free when it first asked; free again when it
// ends. Takes a lock the first time.
std::uint32_t this_thread_number() noexcept;

}  // namespace ballast
