// libvirt's objects as owning handles, and its errors as ours.
#pragma once

#include <libvirt/libvirt.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ballast {

struct ConnectCloser {
    void operator()(virConnectPtr connection) const noexcept { virConnectClose(connection); }
};
using ConnectHandle = std::unique_ptr<virConnect, ConnectCloser>;

struct DomainFreer {
    void operator()(virDomainPtr domain) const noexcept { virDomainFree(domain); }
};
using DomainHandle = std::unique_ptr<virDomain, DomainFreer>;

struct StatsFreer {
    void operator()(virDomainStatsRecordPtr* records) const noexcept {
        virDomainStatsRecordListFree(records);
    }
};
using StatsHandle = std::unique_ptr<virDomainStatsRecordPtr, StatsFreer>;

// libvirt's number for what went wrong last on this thread (VIR_ERR_OK if nothing did).
int last_error_number() noexcept;

// What went wrong last on this thread, behind `context`. The one place where libvirt's errors
// become ours.
Failure libvirt_failure(std::string_view context);

// Opens a read-write connection, with keepalive where the transport has it. Blocks while the
// transport connects: libvirt knows no deadline for that. Errors: invalid_argument (the URI will
// never work), permission, unavailable.
Result<ConnectHandle> open_connection(const std::string& uri);

}  // namespace ballast
