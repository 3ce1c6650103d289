#include "controller/http/peer.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
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
    return PeerIdentity{credentials.uid, credentials.gid};
}

std::vector<gid_t> groups_of(uid_t uid) {
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> buffer;
    with_buffer(buffer, [&](char* data, std::size_t size) {
        return ::getpwuid_r(uid, &entry, data, size, &found);
    });
    if (found == nullptr) return {};
    int count = 64;
    std::vector<gid_t> groups(static_cast<std::size_t>(count));
    while (::getgrouplist(entry.pw_name, entry.pw_gid, groups.data(), &count) < 0) {
        if (static_cast<std::size_t>(count) <= groups.size()) return {};
        groups.resize(static_cast<std::size_t>(count));
    }
    groups.resize(static_cast<std::size_t>(count));
    return groups;
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
