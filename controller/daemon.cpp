#include "controller/daemon.h"

#include <fmt/format.h>
#include <csignal>
#include <cstdlib>

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>
#include <variant>

#include "base/log.h"
#include "config/config.h"
#include "controller/backend_manager.h"
#include "controller/bus_feed.h"
#include "controller/controller.h"
#include "controller/http/http_service.h"
#include "controller/loop.h"
#include "controller/references.h"
#include "controller/service_manager.h"
#include "hv_backends/modules/trial.h"
#include "policy/policy.h"

namespace ballast {
namespace {

constexpr Duration kCommandTimeout = std::chrono::seconds(10);
constexpr Duration kReleasePollEvery = std::chrono::milliseconds(100);
constexpr Duration kReleaseTellEvery = std::chrono::seconds(1);
// How far ahead the service manager is asked for patience: one backend call may take that long.
constexpr Duration kReleaseSpare = std::chrono::seconds(20);

sigset_t handled_signals() noexcept {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&signals, signal);
    return signals;
}

// What a reload cannot change, by the name of its section; empty if nothing of it changed.
std::string needs_restart(const Settings& old_settings, const Settings& new_settings) {
    std::string sections;
    const auto note = [&](bool changed, std::string_view name) {
        if (changed) sections.append(sections.empty() ? "" : ", ").append(name);
    };
    note(old_settings.mode != new_settings.mode, "mode");
    note(old_settings.backend != new_settings.backend, "backend");
    note(old_settings.listen.http != new_settings.listen.http ||
             old_settings.listen.api != new_settings.listen.api ||
             old_settings.listen.api_group != new_settings.listen.api_group,
         "listen");
    note(old_settings.references != new_settings.references, "references");
    note(old_settings.probe != new_settings.probe, "probe");
    note(old_settings.scenario && new_settings.scenario &&
             old_settings.scenario->hypervisor_calls != new_settings.scenario->hypervisor_calls,
         "cmm.simulate (whether the hypervisor is called)");
    return sections;
}

// The daemon does its work without a bus, too.
void attach(BusFeed& feed, const BusSettings& settings) {
    if (auto attached = feed.attach(settings); !attached)
        log::error("{}; tried again until it succeeds", attached.error().message());
}

void reload(const Settings& started_with, const std::string& path, Loop& loop, BusFeed& feed) {
    service_manager::reloading();
    const ConfigResult loaded = load_config(path, check_policy);
    if (const auto* problems = std::get_if<ConfigProblems>(&loaded)) {
        log::error("the configuration was not reloaded, the old one stays:\n{}", problems->text());
    } else {
        const auto& settings = std::get<Settings>(loaded);
        const std::string sections = needs_restart(started_with, settings);
        if (!sections.empty()) {
            log::warn("reload: a change of {} takes effect at the next start", sections);
        }
        const auto done = loop.call(
            [settings, &feed](Controller& controller) {
                controller.reconfigure(settings);
                attach(feed, settings.bus);
                feed.notice(BALLAST_BUS_CONFIG, "the configuration was reloaded");
            },
            kCommandTimeout);
        if (done) log::info("configuration reloaded from {}", path);
        if (!done) log::error("reload: {}", done.error().message());
    }
    service_manager::ready("running");
}

// Says so once when a call into a backend does not return, and again when it has.
class HangWatch {
  public:
    HangWatch(const BackendAdmin& backends, Duration timeout)
        : backends_(backends), timeout_(timeout) {}

    void look() {
        std::string hung;
        for (const ModuleInfo& module : backends_.list())
            if (module.running_for > timeout_)
                hung = fmt::format("{} of backend '{}'", module.running_call, module.name);
        if (hung == told_) return;
        if (hung.empty()) {
            log::warn("{} has returned at last", told_);
        } else {
            log::error("{} has not returned for {}; the control loop waits for it", hung,
                       format_duration(timeout_));
        }
        told_ = hung;
    }

  private:
    const BackendAdmin& backends_;
    const Duration timeout_;
    std::string told_;
};

// Waits for signals on a thread of its own, so that no handler ever runs.
class SignalThread {
  public:
    SignalThread(const Settings& settings, const std::string& config_path, Loop& loop,
                 BusFeed& feed, const BackendAdmin& backends)
        : watch_(backends, settings.backend.call_timeout),
          thread_([this, &settings, config_path, &loop, &feed] {
              run(settings, config_path, loop, feed);
          }) {}
    ~SignalThread() {
        ending_ = true;
        pthread_kill(thread_.native_handle(), SIGUSR1);
        thread_.join();
    }
    SignalThread(const SignalThread&) = delete;
    SignalThread& operator=(const SignalThread&) = delete;

  private:
    void run(const Settings& settings, const std::string& config_path, Loop& loop, BusFeed& feed) {
        const sigset_t signals = handled_signals();
        while (!ending_) {
            const timespec look_every{1, 0};
            const int signal = sigtimedwait(&signals, nullptr, &look_every);
            watch_.look();
            if (signal == SIGHUP) reload(settings, config_path, loop, feed);
            if ((signal == SIGTERM || signal == SIGINT) && loop.stopping()) {
                log::error(
                    "told to stop again while the loop waits: ending at once; what is lent "
                    "stays lent");
                std::_Exit(1);
            }
            if (signal == SIGTERM || signal == SIGINT) {
                log::info("stopping on {}", signal == SIGTERM ? "SIGTERM" : "SIGINT");
                loop.stop();
            }
        }
    }

    std::atomic<bool> ending_{false};
    HangWatch watch_;  // the thread's own
    std::thread thread_;
};

// Files are tried out by this program, in a process of their own.
std::function<Result<void>(const std::string& name, const std::string& path)> trial_of(
    const Settings& settings) {
    return [text = settings.text](const std::string& name, const std::string& path) {
        return try_module({.command = {"/proc/self/exe", "--config", "/dev/stdin", "--try-as", name,
                                       "--try-module"},
                           .input = text},
                          path);
    };
}

// Twice a heartbeat of the event bus, and as often as the watchdog wants it.
Duration beat_period(Duration watchdog) {
    const Duration bus = Duration(BUS_HEARTBEAT_NS) / 2;
    return watchdog.count() > 0 ? std::min(watchdog, bus) : bus;
}

Result<void> release_everything(Controller& controller, BusFeed& feed, const Clock& clock,
                                Duration patience) {
    const Time deadline = clock.now() + patience;
    Time tell_at = clock.now();
    while (!controller.give_everything_back()) {
        const Time now = clock.now();
        if (now >= deadline) {
            controller.report_what_stays();
            return fail(
                Errc::timed_out,
                fmt::format("{} were not taken back by their guests within {}",
                            format_size(controller.lent_bytes()), format_duration(patience)));
        }
        if (now >= tell_at) {
            service_manager::stopping(fmt::format("giving back what was lent: {} to go",
                                                  format_size(controller.lent_bytes())),
                                      kReleaseSpare);
            tell_at = now + kReleaseTellEvery;
        }
        feed.beat();
        std::this_thread::sleep_for(kReleasePollEvery);
    }
    const std::string outcome =
        controller.lent_bytes() == 0
            ? std::string("everything lent is given back")
            : fmt::format("{} stay lent, as the host has no room for more; the next daemon knows",
                          format_size(controller.lent_bytes()));
    log::info("{}", outcome);
    feed.notice(BALLAST_BUS_BACKEND, "stopping: " + outcome);
    feed.beat();
    return {};
}

}  // namespace

int try_module_here(const Settings& settings, const std::string& name, const std::string& path) {
    const SystemClock clock;
    return report_trial(path, module_config(name.empty() ? settings.backend.name : name, settings),
                        clock);
}

Result<void> run_daemon(const Settings& settings, const DaemonOptions& options) {
    const sigset_t signals = handled_signals();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);

    const SystemClock clock;
    BusFeed feed(clock);
    References references(settings, clock);
    ModuleRegistry registry(clock,
                            {.scheme = references.module_refs(), .trial = trial_of(settings)});
    registry.notifiers().add([&feed](const ModuleChange& change) -> std::optional<std::string> {
        const std::string text = fmt::format("backend '{}': {} -> {}", change.name,
                                             to_string(change.from), to_string(change.to));
        log::info("{}", text);
        feed.notice(BALLAST_BUS_BACKEND, text);
        return std::nullopt;
    });
    BackendSlot backend;
    if (auto loaded = BackendManager::load_configured(settings, registry, backend); !loaded)
        return loaded;
    Settings controlled = settings;
    controlled.references.snapshot_refs = references.snapshot_refs();
    std::unique_ptr<BookStore> store;
    std::optional<BookKeeper> books;
    if (settings.mode == Mode::live && !options.dry_run) {
        auto opened = BookStore::open(settings.state.path);
        if (!opened) return with_context(opened.error(), "state.path");
        store = std::move(*opened);
        books.emplace(*store);
    }
    Controller controller(controlled, backend, clock, options.dry_run);
    attach(feed, settings.bus);
    controller.set_feed(feed);
    if (books) controller.set_books(*books);
    references.count(
        [&registry] {
            return UseCounts{registry.leases(), registry.removals()};
        },
        [&snapshots = controller.snapshots()] {
            return UseCounts{snapshots.reads(), snapshots.publications()};
        });
    Loop loop(
        controller, backend, clock,
        settings.scenario ? ParameterEvents(*settings.scenario, clock.now()) : ParameterEvents());

    if (auto started = backend.start(controller); !started) {
        // A hypervisor that is not there yet is waited for: observe() tries again.
        if (started.error().code != Errc::unavailable) return Failure(started.error());
        log::warn("{}; trying again", started.error().message());
    }
    BackendManager manager(settings, registry, backend, controller, loop);
    // It looks at the loop: not for longer than that is there.
    struct ProbeEnd {
        References& references;
        ~ProbeEnd() { references.stop_probe(); }
    };
    const ProbeEnd probe_end{references};
    if (settings.probe.enabled) {
        // Nice to have: the daemon does its work without.
        if (auto started =
                references.start_probe(settings.probe, [&loop] { return loop.idle_for(); });
            !started)
            log::warn("what readers pay is not measured: {}", started.error().message());
    }
    auto http = start_http(
        settings.listen, settings.metrics, loop, controller.snapshots(), manager, references, clock,
        {.socket_activation = true, .bus_path = [&feed] { return feed.path(); }});
    if (!http) {
        backend.stop();
        return with_context(http.error(), "serving HTTP");
    }

    log::info("ballastd runs: backend {}, delay {}{}", settings.backend.name,
              format_duration(controller.delay()), options.dry_run ? ", dry run" : "");
    {
        const SignalThread signal_thread(settings, options.config_path, loop, feed, manager);
        service_manager::ready("running");
        const Duration watchdog = service_manager::watchdog_period();
        loop.run({.after_tick = [] {},
                  .beat =
                      [&feed, watched = watchdog.count() > 0] {
                          if (watched) service_manager::watchdog_beat();
                          feed.beat();
                      },
                  .beat_every = beat_period(watchdog)});
    }

    references.stop_probe();
    Result<void> outcome;
    if (settings.state.on_stop == OnStop::release && !backend.handle()) {
        if (controller.lent_bytes() > 0)
            outcome = fail(Errc::refused, fmt::format("{} stay lent: no backend is loaded",
                                                      format_size(controller.lent_bytes())));
    } else if (settings.state.on_stop == OnStop::release) {
        outcome = release_everything(controller, feed, clock, settings.state.stop_timeout);
    }
    // Until here it answers what is going on, and that the daemon is not ready.
    backend.stop();
    (*http)->stop();
    backend.clear();
    return outcome;
}

}  // namespace ballast
