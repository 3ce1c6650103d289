#include "hv_backends/libvirt/books_metadata.h"

#include <fmt/format.h>

namespace ballast {

std::string books_element(const CarriedBooks& books) {
    return fmt::format("<books original-loaned-bytes='{}' oom-freed-bytes='{}'/>",
                       books.original_loaned_bytes, books.oom_freed_bytes);
}

}  // namespace ballast
