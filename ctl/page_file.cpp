#include "ctl/page_file.h"

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace ballast::ctl {

Result<void> can_write(const std::string& path, const std::vector<std::string>& inputs) {
    for (const std::string& input : inputs) {
        std::error_code ignored;
        if (std::filesystem::equivalent(path, input, ignored))
            return ballast::fail(Errc::invalid_argument,
                                 path + " is an input, expected the name of another file");
    }
    if (!std::ofstream(path, std::ios::app))
        return ballast::fail(Errc::io, "cannot write " + path, errno);
    return {};
}

Result<void> write_page(const std::string& path, report::Page page) {
    page.program = std::string("ballastctl ") + BALLAST_VERSION;
    std::ofstream file(path, std::ios::binary);
    file << report::page_html(page);
    file.close();
    if (!file) return ballast::fail(Errc::io, "cannot write " + path, errno);
    return {};
}

}  // namespace ballast::ctl
