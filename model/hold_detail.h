// What exactly holds a domain where a constraint covers several causes.
#pragma once

#include <cstdint>
#include <string_view>

namespace ballast {

enum class HoldDetail : std::uint8_t {
    none,            // the constraint's own words say all of it
    starting,        // the guest boots: it has sent no figures of this life
    balloon_shrank,  // its balloon shrank by itself, and it is not known yet why
    balloon_moves,   // an external program moves its balloon, and has not finished
    just_enabled,    // lending was switched on again less than a delay ago
    evacuating,      // every domain is given everything back: the backend goes
};

// One clause for people, in place of describe(Constraint); empty for `none`.
std::string_view describe(HoldDetail detail) noexcept;

}  // namespace ballast
