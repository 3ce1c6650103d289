#include "ctl/bus_option.h"

#include <cerrno>
#include <cstdlib>

namespace ballast::ctl {

tl::expected<std::string, CommandFailure> find_bus(const Session& session) {
    if (const char* const configured = std::getenv("BALLAST_BUS")) return configured;
    // A daemon that does not answer may have left its bus, and another may come there.
    const Answer status = session.client().status();
    if (!status || !status->contains("bus")) return kDefaultBus;
    const Json& path = status->at("bus").at("path");
    if (path.is_string()) return path.get<std::string>();
    return tl::unexpected(CommandFailure{
        ExitStatus::failed,
        "the daemon's event bus is off: its configuration has no bus.path, or the file could not "
        "be made; expected --bus PATH"});
}

CommandFailure bus_failure(const std::system_error& error) {
    if (error.code().value() != ENOENT) return {ExitStatus::failed, error.what()};
    return {ExitStatus::unreachable, std::string(error.what()) + ": no daemon has been here yet"};
}

}  // namespace ballast::ctl
