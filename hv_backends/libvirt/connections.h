// The libvirt backend for one connection or several.
#pragma once

#include <memory>
#include <string_view>

#include "hv_backends/libvirt/libvirt_backend.h"

namespace ballast {

inline constexpr std::size_t kMostConnections = 16;

// `uris` are separated by blanks or line ends, which no URI contains; they take the place of
// `options.uri`. `clock` outlives the backend. Errors: invalid_argument (none, too many, or one
// given twice).
Result<std::unique_ptr<Backend>> make_libvirt_backend_for(std::string_view uris,
                                                          const LibvirtOptions& options,
                                                          const Clock& clock);

}  // namespace ballast
