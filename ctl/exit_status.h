// How ballastctl ends.
#pragma once

#include <string>

namespace ballast::ctl {

enum class ExitStatus {
    done = 0,
    failed = 1,
    usage = 2,
    unreachable = 3,  // no daemon answers
    refused = 4,      // understood, and not allowed
};

// Why a command ended otherwise than done, with the text for people.
struct CommandFailure {
    ExitStatus status = ExitStatus::failed;
    std::string message;
    bool nobody_listens = false;  // on the socket, so that nothing was sent
};

}  // namespace ballast::ctl
