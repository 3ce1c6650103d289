// The daemon's API as ballastctl uses it (docs/openapi.yaml).
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <tl/expected.hpp>

#include "ctl/transport.h"

namespace ballast::ctl {

// Keeps the daemon's order of fields.
using Json = nlohmann::ordered_json;
using Answer = tl::expected<Json, CommandFailure>;

class ApiClient {
  public:
    explicit ApiClient(std::unique_ptr<Transport> transport) : transport_(std::move(transport)) {}

    // Each blocks for a request or, for domains(), one a page. `domain` empty = all, or the
    // default.
    Answer status();
    // Every domain, from as many pages as it takes: {"tick", "count", "domains"}.
    Answer domains();
    Answer explain(const std::string& domain);
    Answer get_attribute(const std::string& domain, const std::string& attribute);
    Answer set_attribute(const std::string& domain, const std::string& attribute,
                         const std::string& value);
    // `action`: "disable", "enable" or "release".
    Answer control(const std::string& action, const std::string& domain);

    Answer reservations();
    // `domain` empty = none.
    Answer reserve(std::uint64_t bytes, const std::string& domain, double expires_s);
    Answer cancel_reservation(std::uint64_t id);

    Answer backends();
    Answer probe();
    // `action`: "load", "unload" or "lockdown"; `fields` are texts. Blocks for as long as it takes,
    // within `patience`.
    Answer change_backend(const std::string& name, const std::string& action, const Json& fields,
                          std::chrono::milliseconds patience);

  private:
    // The daemon itself gives most requests up after 10 s.
    static constexpr std::chrono::milliseconds kPatience{15000};

    Answer call(const std::string& method, const std::string& target, const Json& body = nullptr,
                std::chrono::milliseconds patience = kPatience);

    std::unique_ptr<Transport> transport_;
};

}  // namespace ballast::ctl
