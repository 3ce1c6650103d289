// A FakeBackend as a module: the registry loads it, the test keeps its hand on it.
#pragma once

#include "fake_backend.h"
#include "hv_backends/modules/export_backend.h"
#include "hv_backends/modules/registry.h"

namespace ballast::test {

// One per `slot` at a time.
template <int slot>
class FakeModule {
  public:
    FakeModule() { current() = this; }
    ~FakeModule() { current() = nullptr; }
    FakeModule(const FakeModule&) = delete;
    FakeModule& operator=(const FakeModule&) = delete;

    ModuleLease load(ModuleRegistry& registry) {
        static constexpr ballast_backend_module kModule = exported_module<&make>(
            "fake", "under a test's control", "1", BALLAST_FEATURE_ADOPT, nullptr, 0);
        auto lease = registry.load_builtin(slot == 0 ? "fake" : "other", kModule, {});
        REQUIRE(lease);
        return std::move(*lease);
    }
    void report(const Event& event) {
        if (sink != nullptr) sink->on_event(event);
    }

    FakeBackend world;
    std::string start_error;
    std::vector<Loan> adopted;
    int observed = 0;
    int stopped = 0;
    EventSink* sink = nullptr;

  private:
    static FakeModule*& current() {
        static FakeModule* module = nullptr;
        return module;
    }

    // Hands everything on to the test's world.
    class Door final : public Backend {
      public:
        explicit Door(FakeModule& module) : module_(module) {}
        ~Door() override { stop(); }
        const Capabilities& capabilities() const noexcept override {
            return module_.world.capabilities();
        }
        Result<void> start(EventSink& events) override {
            if (!module_.start_error.empty())
                return fail(Errc::invalid_argument, module_.start_error);
            module_.sink = &events;
            started_ = true;
            return {};
        }
        void stop() noexcept override {
            if (started_) ++module_.stopped;
            if (started_) module_.sink = nullptr;
            started_ = false;
        }
        Result<void> observe(Observation& into) override {
            ++module_.observed;
            return module_.world.observe(into);
        }
        StepOutcome apply(const Step& step) noexcept override { return module_.world.apply(step); }
        void set_guest_tunables(const DomainKey& domain, const GuestTunables& tunables) override {
            module_.world.set_guest_tunables(domain, tunables);
        }
        void adopt(std::span<const Loan> loans) override {
            module_.adopted.assign(loans.begin(), loans.end());
        }

      private:
        FakeModule& module_;
        bool started_ = false;
    };

    static Result<std::unique_ptr<Backend>> make(const ballast_config&, const Clock&) {
        return std::make_unique<Door>(*current());
    }
};

}  // namespace ballast::test
