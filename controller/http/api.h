// The HTTP API without HTTP: which paths there are, who may use them, and what they answer.
// docs/openapi.yaml describes it for users.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "controller/backend_admin.h"
#include "controller/http/control.h"
#include "controller/http/message.h"
#include "controller/probe_status.h"
#include "controller/snapshot_exchange.h"

namespace ballast {

class Api {
  public:
    // All by reference outlive the API. `metrics` gives the text of /metrics; `bus_path` where the
    // event bus is now, empty: there is none.
    Api(
        const SnapshotExchange& snapshots, Control& control, BackendAdmin& backends,
        const ProbeStatus& probe, const Clock& clock, std::function<std::string()> metrics,
        std::function<std::string()> bus_path = [] { return std::string(); });

    // Answers one request; never throws. Any thread. Blocks as long as Control and BackendAdmin do
    // for attributes and writes, else not at all.
    Response handle(const Request& request) const noexcept;

    struct Call;
    struct Route {
        std::string_view method;   // GET (answers HEAD too), PUT, POST
        std::string_view pattern;  // "/api/v1/domains/{name}"; a {word} takes one segment
        bool writes;               // only over the Unix socket, by those who may
        Response (Api::*handler)(const Call&) const;
    };
    static std::span<const Route> routes() noexcept;

  private:
    Response route(const Request& request) const;

    Response metrics(const Call&) const;
    Response healthz(const Call&) const;
    Response readyz(const Call&) const;
    Response status(const Call&) const;
    Response domains(const Call&) const;
    Response domain(const Call&) const;
    Response explain_domain(const Call&) const;
    Response get_attribute(const Call&) const;
    Response put_attribute(const Call&) const;
    Response disable(const Call&) const;
    Response enable(const Call&) const;
    Response release(const Call&) const;
    Response reservations(const Call&) const;
    Response reserve(const Call&) const;
    Response cancel_reservation(const Call&) const;

    Response backends(const Call&) const;
    Response load_backend(const Call&) const;
    Response unload_backend(const Call&) const;
    Response lock_backend(const Call&) const;

    Response probe(const Call&) const;
    Response events(const Call&) const;

    Response set_disabled(const Call&, bool disabled) const;

    const SnapshotExchange& snapshots_;
    Control& control_;
    BackendAdmin& backends_;
    const ProbeStatus& probe_;
    const Clock& clock_;
    std::function<std::string()> metrics_;
    std::function<std::string()> bus_path_;
    std::shared_ptr<std::atomic<int>> streams_ = std::make_shared<std::atomic<int>>(0);
    Time started_;
};

}  // namespace ballast
