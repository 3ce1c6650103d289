#include "controller/http/host_rule.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>

#include <algorithm>
#include <array>

namespace ballast {
namespace {

bool same_name(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool is_address(int family, std::string_view text) noexcept {
    std::array<char, INET6_ADDRSTRLEN> name{};
    std::array<unsigned char, sizeof(in6_addr)> address{};
    if (text.size() >= name.size()) return false;
    text.copy(name.data(), text.size());
    return ::inet_pton(family, name.data(), address.data()) == 1;
}

// Without its port, which is digits alone; nothing is left of what has another form.
std::string_view without_port(std::string_view host) noexcept {
    const std::size_t bracket = host.rfind(']');
    const std::size_t colon = host.rfind(':');
    const bool has_port =
        colon != host.npos && (bracket == host.npos ? true : colon == bracket + 1);
    if (!has_port) return host;
    const std::string_view port = host.substr(colon + 1);
    if (port.find_first_not_of("0123456789") != port.npos) return {};
    return host.substr(0, colon);
}

}  // namespace

bool HostRule::allows(std::string_view host) const noexcept {
    std::string_view name = without_port(host);
    if (name.size() > 2 && name.front() == '[' && name.back() == ']')
        return is_address(AF_INET6, name.substr(1, name.size() - 2));
    if (name.size() > 1 && name.back() == '.') name.remove_suffix(1);  // a full name
    return is_address(AF_INET, name) || same_name(name, "localhost") ||
           std::any_of(names_.begin(), names_.end(),
                       [&](const std::string& known) { return same_name(name, known); });
}

}  // namespace ballast
