// Files that are compared with what Ballast makes of them: the loop and its last line.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "ctl/session.h"

namespace ballast::ctl {

// `compare(path)` answers a Result of what was `compared` and `differ`s; `broken(one)` tells on
// standard error what in it could not be compared, and whether anything could not. Prints each
// through json_of or text_of. Exit status 1 if anything differs or could not be compared, or
// nothing was.
template <class Compare, class Broken, class JsonOf, class TextOf>
ExitStatus compare_files(const Session& session, const std::vector<std::string>& paths,
                         Compare&& compare, Broken&& broken, JsonOf&& json_of, TextOf&& text_of) {
    std::uint64_t compared = 0;
    std::uint64_t differ = 0;
    bool failed = false;
    Json files = Json::array();
    for (const std::string& path : paths) {
        const auto comparison = compare(path);
        if (!comparison) {
            session.fail({ExitStatus::failed, comparison.error().message()});
            failed = true;
            continue;
        }
        failed = broken(*comparison) || failed;
        compared += comparison->compared;
        differ += comparison->differ;
        if (session.json)
            files.push_back(json_of(*comparison));
        else
            session.environment.out << text_of(*comparison);
    }
    if (session.json)
        session.print({{"files", files}, {"compared", compared}, {"differ", differ}});
    else
        session.environment.out << fmt::format("{} compared, {} differ\n", compared, differ);
    return failed || differ > 0 || compared == 0 ? ExitStatus::failed : ExitStatus::done;
}

}  // namespace ballast::ctl
