// Which Host headers a TCP listener answers to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ballast {

// A web page of a foreign name that an attacker points to this machine (DNS rebinding) sends that
// name in its requests. IP addresses, "localhost" and the names given are answered; no other.
class HostRule {
  public:
    HostRule() = default;
    explicit HostRule(std::vector<std::string> names) : names_(std::move(names)) {}

    // `host` is the header's value, with or without a port. Any thread.
    bool allows(std::string_view host) const noexcept;

  private:
    std::vector<std::string> names_;
};

}  // namespace ballast
