#include "ctl/file_contents.h"

#include <cerrno>
#include <fstream>
#include <iterator>

namespace ballast::ctl {

Result<std::string> file_contents(const std::string& path) {
    try {
        std::ifstream file(path, std::ios::binary);
        if (!file) return ballast::fail(Errc::io, "cannot read " + path, errno);
        return std::string{std::istreambuf_iterator<char>(file), {}};
    } catch (const std::ios_base::failure&) {
        // A directory opens, and cannot be read.
        return ballast::fail(Errc::io, "cannot read " + path, errno);
    }
}

}  // namespace ballast::ctl
