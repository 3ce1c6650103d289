// What has to be known of a domain wherever it runs.
#pragma once

#include <cstdint>

namespace ballast {

// Books that a hypervisor keeps with the domain itself, so that they travel with it.
struct CarriedBooks {
    std::uint64_t original_loaned_bytes =
        0;                              // lent before anybody of us came; not ours to give back
    std::uint64_t oom_freed_bytes = 0;  // the credit

    friend bool operator==(const CarriedBooks&, const CarriedBooks&) = default;
};

}  // namespace ballast
