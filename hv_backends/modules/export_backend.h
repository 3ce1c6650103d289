// Offers a C++ Backend through the module interface: how the built-in backends become modules.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "hv_backends/backend.h"
#include "hv_backends/module_abi.h"

namespace ballast {

// An instance on the module's side: what `void *instance` points to.
class ExportedBackend {
  public:
    // The functions of ballast_module, but for create.
    static void destroy(void* instance) noexcept;
    static void capabilities(void* instance, ballast_capabilities* into) noexcept;
    static std::int32_t start(void* instance, ballast_error* error) noexcept;
    static void stop(void* instance) noexcept;
    static std::int32_t observe(void* instance, ballast_observation* into,
                                ballast_error* error) noexcept;
    static void apply(void* instance, const ballast_step* step, ballast_outcome* into) noexcept;
    static void set_guest_tunables(void* instance, const std::uint8_t domain[16],
                                   const ballast_guest_tunables* tunables) noexcept;
    static std::int64_t next_event_at_ns(void* instance) noexcept;
    static void advance(void* instance) noexcept;
    static void adopt(void* instance, const ballast_loan* loans, std::uint64_t count) noexcept;
    static std::int32_t carried_books(void* instance, const std::uint8_t domain[16],
                                      ballast_books* into) noexcept;
    static void keep_books(void* instance, const std::uint8_t domain[16],
                           const ballast_books* books) noexcept;

    // Makes the backend from what the host gave.
    using Make = Result<std::unique_ptr<Backend>> (*)(const ballast_config&, const Clock&);
    static std::int32_t create(Make make, const ballast_host* host, const ballast_config* config,
                               void** instance, ballast_error* error) noexcept;

  private:
    explicit ExportedBackend(const ballast_host& host);
    std::int32_t fill(ballast_observation& into);
    void fill_nodes(ballast_observation& into) const;

    class HostClock final : public Clock {
      public:
        explicit HostClock(const ballast_host& host) : host_(host) {}
        Time now() const noexcept override { return Time(Duration(host_.now_ns(host_.context))); }
        WallTime wall_now() const noexcept override {
            return WallTime(std::chrono::duration_cast<WallTime::duration>(
                Duration(host_.wall_now_ns(host_.context))));
        }

      private:
        const ballast_host& host_;
    };
    class HostSink final : public EventSink {
      public:
        explicit HostSink(const ballast_host& host) : host_(host) {}
        void on_event(const Event& event) noexcept override;

      private:
        const ballast_host& host_;
    };

    const HostClock clock_;
    HostSink sink_;
    std::unique_ptr<Backend> backend_;
    Observation seen_;
    std::uint64_t membership_told_ = 0;
    bool told_ = false;
};

// A setting of the module that was given; every setting of the schema is.
std::string setting_of(const ballast_config& config, const char* name);

// The description of a module around `make`.
template <ExportedBackend::Make make>
constexpr ballast_backend_module exported_module(const char* name, const char* description,
                                                 const char* version, std::uint64_t features,
                                                 const ballast_setting_schema* settings,
                                                 std::uint64_t setting_count) {
    const bool simulated = (features & BALLAST_FEATURE_SIMULATED) != 0;
    const bool adopts = (features & BALLAST_FEATURE_ADOPT) != 0;
    const bool keeps_books = (features & BALLAST_FEATURE_BOOKS) != 0;
    return {
        .magic = BALLAST_MODULE_MAGIC,
        .version = BALLAST_MODULE_VERSION,
        .size = sizeof(ballast_backend_module),
        .features = features,
        .needs = 0,
        .name = name,
        .description = description,
        .module_version = version,
        .settings = settings,
        .setting_count = setting_count,
        .create =
            [](const ballast_host* host, const ballast_config* config, void** instance,
               ballast_error* error) {
                return ExportedBackend::create(make, host, config, instance, error);
            },
        .destroy = &ExportedBackend::destroy,
        .capabilities = &ExportedBackend::capabilities,
        .start = &ExportedBackend::start,
        .stop = &ExportedBackend::stop,
        .observe = &ExportedBackend::observe,
        .apply = &ExportedBackend::apply,
        .set_guest_tunables = &ExportedBackend::set_guest_tunables,
        .next_event_at_ns = simulated ? &ExportedBackend::next_event_at_ns : nullptr,
        .advance = simulated ? &ExportedBackend::advance : nullptr,
        .adopt = adopts ? &ExportedBackend::adopt : nullptr,
        .carried_books = keeps_books ? &ExportedBackend::carried_books : nullptr,
        .keep_books = keeps_books ? &ExportedBackend::keep_books : nullptr,
    };
}

}  // namespace ballast
