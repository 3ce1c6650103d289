// C++ around ballast_bus.h: a handle that closes itself.
#pragma once

#include <memory>
#include <string>
#include <system_error>
#include <utility>

#if __has_include("bus/ballast_bus.h")
#include "bus/ballast_bus.h"
#else
#include <ballast/ballast_bus.h>
#endif

namespace ballast {

// Says what ballast_bus_error() says, and no more; code() is the errno.
class BusError final : public std::system_error {
  public:
    BusError(int error, std::string text)
        : std::system_error(error, std::generic_category()), text_(std::move(text)) {}
    const char* what() const noexcept override { return text_.c_str(); }

  private:
    std::string text_;
};

// Each method is that of ballast_bus.h; errors are thrown as BusError.
class Bus {
  public:
    explicit Bus(const std::string& path, unsigned flags = 0) {
        ballast_bus* opened = nullptr;
        const int error = ballast_bus_open(&opened, path.c_str(), flags);
        bus_.reset(opened);
        if (error != 0) fail(error);
    }

    ballast_bus_answer next(ballast_bus_record& record, int timeout_ms = -1) {
        const int answer = ballast_bus_next(bus_.get(), &record, timeout_ms);
        if (answer < 0) fail(answer);
        return static_cast<ballast_bus_answer>(answer);
    }
    int fd() {
        const int descriptor = ballast_bus_fd(bus_.get());
        if (descriptor < 0) fail(descriptor);
        return descriptor;
    }
    // Why a file cannot be followed to; empty: none.
    std::string error() const { return ballast_bus_error(bus_.get()); }
    std::string path() const { return ballast_bus_path(bus_.get()); }
    std::uint64_t lost() const noexcept { return ballast_bus_lost(bus_.get()); }

  private:
    [[noreturn]] void fail(int error) const {
        throw BusError(-error, bus_ ? ballast_bus_error(bus_.get()) : "event bus: no memory");
    }
    struct Close {
        void operator()(ballast_bus* bus) const noexcept { ballast_bus_close(bus); }
    };
    std::unique_ptr<ballast_bus, Close> bus_;
};

}  // namespace ballast
