#include "hv_backends/libvirt/connection.h"

#include <fmt/format.h>
#include <libvirt/virterror.h>

namespace ballast {
namespace {

// A silent peer is given up after (count + 1) * interval = 20 s, which also ends a call that waits
// for it.
constexpr int kKeepAliveIntervalS = 5;
constexpr unsigned kKeepAliveCount = 3;

Errc code_of(int number) noexcept {
    switch (number) {
        case VIR_ERR_INVALID_ARG:
        case VIR_ERR_NO_CONNECT:
        case VIR_ERR_UNKNOWN_HOST:
        case VIR_ERR_XML_ERROR:
        case VIR_ERR_XML_DETAIL:
        case VIR_ERR_CONFIG_UNSUPPORTED:
            return Errc::invalid_argument;
        case VIR_ERR_NO_DOMAIN:
            return Errc::not_found;
        case VIR_ERR_OPERATION_DENIED:
        case VIR_ERR_OPERATION_INVALID:
            return Errc::refused;
        case VIR_ERR_AUTH_FAILED:
        case VIR_ERR_AUTH_CANCELLED:
        case VIR_ERR_AUTH_UNAVAILABLE:
        case VIR_ERR_ACCESS_DENIED:
            return Errc::permission;
        case VIR_ERR_RESOURCE_BUSY:
            return Errc::busy;
        case VIR_ERR_OPERATION_TIMEOUT:
            return Errc::timed_out;
        case VIR_ERR_NO_SUPPORT:
        case VIR_ERR_OPERATION_UNSUPPORTED:
        case VIR_ERR_ARGUMENT_UNSUPPORTED:
            return Errc::unsupported;
        case VIR_ERR_SYSTEM_ERROR:
        case VIR_ERR_RPC:
        case VIR_ERR_INVALID_CONN:
        case VIR_ERR_GNUTLS_ERROR:
        case VIR_ERR_LIBSSH:
        case VIR_ERR_SSH:
            return Errc::unavailable;
        default:
            return Errc::io;
    }
}

}  // namespace

int last_error_number() noexcept {
    const virError* error = virGetLastError();
    return error == nullptr ? VIR_ERR_OK : error->code;
}

Failure libvirt_failure(std::string_view context) {
    const virError* error = virGetLastError();
    if (error == nullptr) return fail(Errc::io, std::string(context));
    // libvirt's text holds strerror() already where a system call failed.
    const char* text = error->message == nullptr ? "no reason given" : error->message;
    return fail(code_of(error->code), fmt::format("{}: {}", context, text));
}

Result<ConnectHandle> open_connection(const std::string& uri) {
    ConnectHandle connection(virConnectOpenAuth(uri.c_str(), virConnectAuthPtrDefault, 0));
    const std::string context = "connect to " + uri;
    if (connection == nullptr) return libvirt_failure(context);
    // Not all transports have keepalive; none is no reason to stop.
    virConnectSetKeepAlive(connection.get(), kKeepAliveIntervalS, kKeepAliveCount);
    return connection;
}

}  // namespace ballast
