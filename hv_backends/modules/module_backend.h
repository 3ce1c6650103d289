// A module's instance as a Backend: calls go through the C interface, answers are looked at.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "hv_backends/backend.h"
#include "hv_backends/module_abi.h"
#include "hv_backends/modules/call_watch.h"
#include "hv_backends/modules/descriptor.h"

namespace ballast {

// What a module is made with.
struct ModuleConfig {
    std::string name = {};   // what operators call it; empty = as the module calls itself
    SettingValues settings;  // as given; see settle_settings
    std::string text;        // the whole configuration, for simulators
};

class ModuleBackend final : public Backend {
  public:
    // Calls the module's create. `module`, `clock` and `watch` outlive the instance. Errors: those
    // of settle_settings, and what create answered.
    static Result<std::unique_ptr<ModuleBackend>> create(const ballast_backend_module& module,
                                                         const ModuleConfig& config,
                                                         const Clock& clock, CallWatch& watch);
    // Stops and destroys the instance.
    ~ModuleBackend() override;
    ModuleBackend(const ModuleBackend&) = delete;
    ModuleBackend& operator=(const ModuleBackend&) = delete;

    const Capabilities& capabilities() const noexcept override { return capabilities_; }
    Result<void> start(EventSink& sink) override;
    void stop() noexcept override;
    // As Backend says; `membership` is a number that no other backend ever gives.
    Result<void> observe(Observation& into) override;
    StepOutcome apply(const Step& step) noexcept override;
    void set_guest_tunables(const DomainKey& domain, const GuestTunables& tunables) override;
    std::optional<Time> next_event_at() const override;
    void advance() override;
    void adopt(std::span<const Loan> loans) override;
    std::optional<CarriedBooks> carried_books(const DomainKey& domain) const override;
    void keep_books(const DomainKey& domain, const std::optional<CarriedBooks>& books) override;

    // What was impossible in the last observation; empty = nothing.
    const std::string& trouble() const noexcept { return last_trouble_; }

  private:
    struct Sheet;

    ModuleBackend(const ballast_backend_module& module, const Clock& clock, CallWatch& watch);
    Result<void> take(Observation& into);
    void take_host(HostState& into) const;

    const ballast_backend_module& module_;
    const Clock& clock_;
    CallWatch& watch_;
    ballast_host host_{};
    void* instance_ = nullptr;
    Capabilities capabilities_;
    std::unique_ptr<Sheet> sheet_;  // what the module writes on
    std::uint64_t module_membership_ = 0;
    std::size_t rows_told_ = 0;     // since that
    std::uint64_t membership_ = 0;  // ours, for module_membership_; 0 = nothing observed yet
    std::string last_trouble_;      // of rows, logged once

    std::mutex sink_lock_;
    EventSink* sink_ = nullptr;  // guarded by sink_lock_

    friend struct HostFunctions;
};

}  // namespace ballast
