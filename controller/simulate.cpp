#include "controller/simulate.h"

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "controller/backend_factory.h"
#include "controller/controller.h"
#include "controller/parameter_events.h"
#include "sim/recorder.h"
#include "sim/virtual_clock.h"

namespace ballast {
namespace {

// Shows the recorder every event on its way to the controller.
class EventTap final : public EventSink {
  public:
    EventTap(Recorder& recorder, EventSink& next) : recorder_(recorder), next_(next) {}
    void on_event(const Event& event) noexcept override {
        recorder_.add(event);
        next_.on_event(event);
    }

  private:
    Recorder& recorder_;
    EventSink& next_;
};

}  // namespace

Result<SimulationReport> simulate(Settings settings, const SimulateOptions& options) {
    if (!settings.scenario) {
        return fail(Errc::invalid_argument, "nothing to simulate: the file has no scenario",
                    EINVAL);
    }
    if (options.seed) settings.scenario->seed = *options.seed;
    const Duration duration = options.until.value_or(settings.scenario->duration);

    if (options.log) settings.cmm.debug = true;  // all of it

    VirtualClock clock;
    const Time start = clock.now();
    const log::Redirect redirect([&](log::Level, std::string_view line) {
        if (options.log) options.log(clock.now() - start, line);
    });
    auto made = make_backend(settings, clock);
    if (!made) return Failure(made.error());
    Backend& backend = **made;
    Controller controller(settings, backend, clock);
    ParameterEvents parameters(*settings.scenario, start);
    Recorder recorder(duration, options.csv);
    EventTap tap(recorder, controller);
    if (auto started = backend.start(tap); !started) {
        return with_context(started.error(), "starting the simulated hypervisor");
    }

    const Time end = start + duration;
    Time due = start + controller.delay();
    std::int64_t told_percent = -1;
    for (;;) {
        Time next = due;
        if (const auto at = backend.next_event_at()) next = std::min(next, *at);
        if (const auto at = parameters.next_at()) next = std::min(next, *at);
        if (next > end) break;
        clock.advance_to(next);
        backend.advance();
        controller.process_events();
        parameters.apply_due(controller, next);
        if (next < due) continue;

        controller.tick(due);
        const auto snapshot = controller.snapshots().latest();
        recorder.add(*snapshot, due - start);
        if (options.ticked) options.ticked(*snapshot, due - start);
        if (options.csv != nullptr && !*options.csv) {
            return fail(Errc::io, "writing the CSV failed", errno);
        }
        due += controller.delay();
        const std::int64_t percent =
            std::min<std::int64_t>((next - start) / std::max(duration / 100, Duration{1}), 100);
        if (options.progress && percent != told_percent) {
            options.progress(static_cast<double>(percent) / 100.0);
            told_percent = percent;
        }
    }
    backend.stop();

    SimulationReport report = recorder.report();
    report.description = settings.scenario->description;
    report.profile = settings.cmm.profile == Profile::safe ? "safe" : "kernel";
    report.seed = settings.scenario->seed;
    report.duration = duration;
    report.refused_settings = parameters.refused();
    return report;
}

}  // namespace ballast
