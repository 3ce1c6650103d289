#include "controller/http/peer.h"

#include <fmt/format.h>
#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace ballast {
namespace {

// Calls a get*_r function with a buffer that grows until it is large enough. Returns its errno.
template <class Lookup>
int with_buffer(std::vector<char>& buffer, Lookup lookup) {
    constexpr std::size_t kLargest = std::size_t{1} << 20U;
    buffer.resize(1024);
    int error = 0;
    while ((error = lookup(buffer.data(), buffer.size())) == ERANGE && buffer.size() < kLargest)
        buffer.resize(buffer.size() * 2);
    return error;
}

}  // namespace

Result<WriteRule> make_write_rule(const std::string& group_name) {
    WriteRule rule;
    rule.own_uid = ::geteuid();
    rule.group_name = group_name;
    if (group_name.empty()) return rule;
    group entry{};
    group* found = nullptr;
    std::vector<char> buffer;
    const int error = with_buffer(buffer, [&](char* data, std::size_t size) {
        return ::getgrnam_r(group_name.c_str(), &entry, data, size, &found);
    });
    if (found == nullptr)
        return fail(Errc::invalid_argument, fmt::format("no group '{}'", group_name), error);
    rule.group = entry.gr_gid;
    return rule;
}

Result<PeerIdentity> peer_of(int unix_socket) {
    ucred credentials{};
    socklen_t size = sizeof(credentials);
    if (::getsockopt(unix_socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return fail(Errc::io, "cannot tell who is asking", errno);
    return PeerIdentity{credentials.uid, credentials.gid, credentials.pid};
}

Result<std::vector<gid_t>> peer_groups(int unix_socket) {
    std::vector<gid_t> groups(64);
    for (;;) {
        auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
        if (::getsockopt(unix_socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0) {
            groups.resize(size / sizeof(gid_t));
            return groups;
        }
        // With too little room the kernel says how much there must be.
        if (errno != ERANGE || size <= groups.size() * sizeof(gid_t))
            return fail(Errc::io, "cannot tell the groups of who is asking", errno);
        groups.resize(size / sizeof(gid_t));
    }
}

WriteAccess decide_write(const PeerIdentity& peer, std::span<const gid_t> groups,
                         const WriteRule& rule) {
    if (peer.uid == 0 || peer.uid == rule.own_uid) return {true, ""};
    if (!rule.group)
        return {false, fmt::format("user {} may not change anything: only root may", peer.uid)};
    if (peer.gid == *rule.group ||
        std::find(groups.begin(), groups.end(), *rule.group) != groups.end())
        return {true, ""};
    return {false, fmt::format("user {} may not change anything: only root and group '{}' may",
                               peer.uid, rule.group_name)};
}

}  // namespace ballast
