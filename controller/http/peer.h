// Who is at the other end of the Unix socket, and whether they may change things.
#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "controller/http/message.h"

namespace ballast {

// root and `own_uid` may write, and so may members of `group`.
struct WriteRule {
    uid_t own_uid = 0;
    std::optional<gid_t> group;
    std::string group_name;  // for the reason given to those who may not
};

// The rule for this process and the group named (empty = none). Error: invalid_argument if there is
// no such group. May block on the name service.
Result<WriteRule> make_write_rule(const std::string& group_name);

// Error: io.
Result<PeerIdentity> peer_of(int unix_socket);

// The supplementary groups that the peer had when it connected. Error: io.
Result<std::vector<gid_t>> peer_groups(int unix_socket);

// Pure. `groups` are the peer's supplementary groups.
WriteAccess decide_write(const PeerIdentity& peer, std::span<const gid_t> groups,
                         const WriteRule& rule);

}  // namespace ballast
