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
#include "controller/http/audit.h"
#include "controller/http/http_service.h"
#include "controller/loop.h"
#include "controller/references.h"
#include "controller/reload.h"
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

// Who sent a signal, for the audit log.
Request sender_of(const siginfo_t& signal) {
    Request request;
    request.peer = PeerIdentity{signal.si_uid, 0, signal.si_pid};
    return request;
}

// The daemon does its work without a bus, too.
void attach(BusFeed& feed, const BusSettings& settings) {
    if (auto attached = feed.attach(settings); !attached)
        log::error("{}; tried again until it succeeds", attached.error().message());
}

// Reads the configuration again, and takes over what can change while the daemon runs.
class Reloader {
  public:
    // All outlive it. `stop_settings` belongs to the loop's thread.
    Reloader(const Settings& started_with, std::string path, Loop& loop, BusFeed& feed,
             HttpService& http, StateSettings& stop_settings)
        : started_with_(started_with),
          in_force_(started_with),
          path_(std::move(path)),
          loop_(loop),
          feed_(feed),
          http_(http),
          stop_settings_(stop_settings) {}

    // One thread at a time; waits for the loop.
    void reload(const Request& asked_by) {
        service_manager::reloading();
        const ConfigResult loaded = load_config(path_, check_policy);
        if (const auto* problems = std::get_if<ConfigProblems>(&loaded)) {
            log::error("the configuration was not reloaded, the old one stays");
            for (const std::string& line : problems->lines()) log::error("{}", line);
            service_manager::ready("running; the last reload failed, the old configuration stays");
            return;
        }
        const auto& settings = std::get<Settings>(loaded);
        const ReloadChanges changes = reload_changes(started_with_, in_force_, settings);
        if (auto done = apply(settings, reload_status(changes)); !done) {
            log::error("reload: {}", done.error().message());
            service_manager::ready("running; the last reload failed: " + done.error().message());
            return;
        }
        for (const ChangedKey& key : changes.applied)
            log::info("{}",
                      audit_line(asked_by, "reload", {{"key", key.name}}, {key.before, key.after}));
        for (const ChangedKey& key : changes.at_next_start)
            log::warn("reload: {}: '{}' -> '{}' takes effect at the next start", key.name,
                      key.before, key.after);
        log::info("configuration reloaded from {}: {} keys changed", path_, changes.applied.size());
        in_force_ = settings;
        service_manager::ready(reload_status(changes));
    }

  private:
    Result<void> apply(const Settings& settings, const std::string& status) {
        auto done = loop_.call(
            [settings, status, &feed = feed_, &stopping = stop_settings_](Controller& controller) {
                controller.reconfigure(settings);
                stopping.on_stop = settings.state.on_stop;
                stopping.stop_timeout = settings.state.stop_timeout;
                attach(feed, settings.bus);
                feed.notice(BALLAST_BUS_CONFIG, "the configuration was reloaded: " + status);
            },
            kCommandTimeout);
        if (done) http_.set_max_domains(settings.metrics.max_domains);
        return done;
    }

    const Settings& started_with_;
    Settings in_force_;
    const std::string path_;
    Loop& loop_;
    BusFeed& feed_;
    HttpService& http_;
    StateSettings& stop_settings_;
};

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
    SignalThread(Duration call_timeout, Loop& loop, Reloader& reloader,
                 const BackendAdmin& backends)
        : watch_(backends, call_timeout),
          thread_([this, &loop, &reloader] { run(loop, reloader); }) {}
    ~SignalThread() {
        ending_ = true;
        pthread_kill(thread_.native_handle(), SIGUSR1);
        thread_.join();
    }
    SignalThread(const SignalThread&) = delete;
    SignalThread& operator=(const SignalThread&) = delete;

  private:
    void run(Loop& loop, Reloader& reloader) {
        const sigset_t signals = handled_signals();
        while (!ending_) {
            const timespec look_every{1, 0};
            siginfo_t about{};
            const int signal = sigtimedwait(&signals, &about, &look_every);
            watch_.look();
            if (signal == SIGHUP) reloader.reload(sender_of(about));
            if ((signal == SIGTERM || signal == SIGINT) && loop.stopping()) {
                log::error(
                    "told to stop again while the loop waits: ending at once; what is lent "
                    "stays lent");
                std::_Exit(1);
            }
            if (signal == SIGTERM || signal == SIGINT) {
                log::info("stopping on {}", signal == SIGTERM ? "SIGTERM" : "SIGINT");
                log::info("{}", audit_line(sender_of(about), "stop", Json::object(),
                                           {"running", "stopping"}));
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
    return report_trial({settings.backend.module_directory, path},
                        module_config(name.empty() ? settings.backend.name : name, settings),
                        clock);
}

Result<void> run_daemon(const Settings& settings, const DaemonOptions& options) {
    const sigset_t signals = handled_signals();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);

    const SystemClock clock;
    BusFeed feed(clock);
    References references(settings, clock);
    ModuleRegistry registry(clock, {.scheme = references.module_refs(),
                                    .directory = settings.backend.module_directory,
                                    .trial = trial_of(settings)});
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
    auto http =
        start_http(settings.listen, settings.metrics, loop, controller.snapshots(),
                   controller.operator_views(), manager, references, clock,
                   {.socket_activation = true, .bus_path = [&feed] { return feed.path(); }});
    if (!http) {
        backend.stop();
        return with_context(http.error(), "serving HTTP");
    }

    StateSettings stop_settings = settings.state;  // a reload changes some
    log::info("ballastd runs: backend {}, delay {}{}", settings.backend.name,
              format_duration(controller.delay()),
              options.dry_run ? ", dry run: nothing is moved" : "");
    {
        Reloader reloader(settings, options.config_path, loop, feed, **http, stop_settings);
        const SignalThread signal_thread(settings.backend.call_timeout, loop, reloader, manager);
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
    if (options.dry_run) {
        log::info("the dry run ends: nothing was moved");
    } else if (stop_settings.on_stop == OnStop::release && !backend.handle()) {
        if (controller.lent_bytes() > 0)
            outcome = fail(Errc::refused, fmt::format("{} stay lent: no backend is loaded",
                                                      format_size(controller.lent_bytes())));
    } else if (stop_settings.on_stop == OnStop::release) {
        outcome = release_everything(controller, feed, clock, stop_settings.stop_timeout);
    }
    // Until here it answers what is going on, and that the daemon is not ready.
    backend.stop();
    (*http)->stop();
    backend.clear();
    return outcome;
}

}  // namespace ballast
