// How every fallible call reports: a value, or one Error with the context each layer added.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace ballast {

enum class Errc {
    invalid_argument,  // the caller's input is wrong
    not_found,         // the named thing does not exist
    refused,           // understood, and not allowed (now)
    permission,        // the caller may not
    busy,              // in use; may succeed later
    timed_out,         // a deadline passed
    unavailable,       // the other side cannot be reached
    unsupported,       // this backend or build cannot do it
    bad_data,          // the other side answered something impossible
    io,                // the operating system failed us
};

// Stable, lower-case name of `code`, as the API shows it.
std::string_view to_string(Errc code) noexcept;

// What went wrong. `context` reads from the outermost layer to the innermost, joined by ": ".
// `sys_errno` is an errno value where one is known, else 0.
struct Error {
    Errc code = Errc::io;
    std::string context;
    int sys_errno = 0;

    // The text for people: the context, and strerror(sys_errno) where it is set.
    std::string message() const;
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
  public:
    using tl::expected<T, Error>::expected;
};

using Failure = tl::unexpected<Error>;

inline Failure fail(Errc code, std::string context, int sys_errno = 0) {
    return Failure(Error{code, std::move(context), sys_errno});
}

// The same error with one more layer of context in front.
Failure with_context(Error error, std::string_view context);

}  // namespace ballast
