#include "hv_backends/modules/trial.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {
#include <sys/pidfd.h>  // glibc 2.36 does not say so itself
}

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>

#include "base/fd.h"
#include "base/units.h"
#include "hv_backends/modules/image.h"

namespace ballast {
namespace {

constexpr std::size_t kMostOutput = 16384;

class NoSink final : public EventSink {
  public:
    void on_event(const Event&) noexcept override {}
};

// A file in memory that holds `text`, to be read from its beginning.
Result<Fd> file_with(const std::string& text) {
    Fd file(::memfd_create("ballast-trial", MFD_CLOEXEC));
    if (!file) return fail(Errc::io, "cannot make room for the configuration", errno);
    for (std::size_t at = 0; at < text.size();) {
        const ssize_t put = ::write(file.get(), text.data() + at, text.size() - at);
        if (put < 0) return fail(Errc::io, "cannot write the configuration", errno);
        at += static_cast<std::size_t>(put);
    }
    if (::lseek(file.get(), 0, SEEK_SET) != 0) return fail(Errc::io, "seek", errno);
    return file;
}

// Standard input and output are ours, signals are as a new program expects them.
Result<pid_t> spawn(const TrialProgram& program, const std::string& path, int input, int output) {
    std::vector<char*> arguments;
    for (const std::string& word : program.command)
        arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(const_cast<char*>(path.c_str()));
    arguments.push_back(nullptr);

    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    // A group of its own: Ctrl-C is for us.
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    pid_t child = -1;
    // What tells the daemon's own service manager, or its own log, is not for the child.
    std::vector<char*> environment;
    for (char** entry = environ; *entry != nullptr; ++entry)
        if (std::strncmp(*entry, "NOTIFY_SOCKET=", 14) != 0 &&
            std::strncmp(*entry, "WATCHDOG_", 9) != 0)
            environment.push_back(*entry);
    environment.push_back(nullptr);
    const int failed = ::posix_spawn(&child, program.command.front().c_str(), &files, &attributes,
                                     arguments.data(), environment.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    if (failed != 0) return fail(Errc::io, "cannot start a process to try it in", failed);
    return child;
}

struct Transcript {
    std::string text;
    bool timed_out = false;
};

// Until `fd` can be read; false: not before `deadline`.
bool wait_for(int fd, Time deadline) {
    const SystemClock clock;
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - clock.now()).count();
        pollfd wanted{fd, POLLIN, 0};
        const int ready = left > 0 ? ::poll(&wanted, 1, static_cast<int>(left)) : 0;
        if (ready > 0) return true;
        if (ready == 0 || errno != EINTR) return false;
    }
}

bool ends_until(pid_t child, Time deadline) {
    const Fd process(::pidfd_open(child, 0));
    return process && wait_for(process.get(), deadline);
}

Transcript read_until_end(int output, Time deadline) {
    Transcript transcript;
    std::array<char, 1024> buffer;
    for (;;) {
        if (!wait_for(output, deadline)) {
            transcript.timed_out = true;
            return transcript;
        }
        const ssize_t got = ::read(output, buffer.data(), buffer.size());
        if (got <= 0) return transcript;
        if (transcript.text.size() < kMostOutput)
            transcript.text.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

// The last line that begins with `word`, without it; empty if there is none.
std::string last_line(const std::string& text, const std::string& word) {
    std::string found;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        if (text.compare(begin, word.size(), word) == 0)
            found = text.substr(begin + word.size(), end - begin - word.size());
        begin = end + 1;
    }
    return found;
}

Result<void> outcome_of(const Transcript& transcript, int status, Duration patience,
                        const std::string& path) {
    std::string step = last_line(transcript.text, "at ");
    if (step.empty()) step = "its beginning";
    if (transcript.timed_out)
        return fail(Errc::timed_out,
                    fmt::format("{}: tried out, it did not return from {} within {}", path, step,
                                format_duration(patience)));
    if (WIFSIGNALED(status))
        return fail(Errc::bad_data, fmt::format("{}: tried out, it crashed in {} (SIG{})", path,
                                                step, ::sigabbrev_np(WTERMSIG(status))));
    const bool passed = transcript.text.ends_with("passed\n");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && passed) return {};
    const std::string said = last_line(transcript.text, "failed ");
    const std::size_t blank = said.find(' ');
    if (blank == said.npos)
        return fail(Errc::bad_data,
                    fmt::format("{}: tried out, it ended the process in {} (exit status {})", path,
                                step, WEXITSTATUS(status)));
    for (int code = 0; code <= static_cast<int>(Errc::io); ++code)
        if (said.compare(0, blank, to_string(static_cast<Errc>(code))) == 0)
            return fail(static_cast<Errc>(code), said.substr(blank + 1));
    return fail(Errc::bad_data, said.substr(blank + 1));
}

}  // namespace

Result<void> run_trial(const ModuleFile& file, const ModuleConfig& config, const Clock& clock,
                       const std::function<void(const char* step)>& at) {
    at("dlopen");
    auto image = ModuleImage::open(file, "trial");
    if (!image) return Failure(image.error());
    CallWatch watch(clock);
    NoSink sink;
    at("create");
    auto backend = ModuleBackend::create(image->module(), config, clock, watch);
    if (!backend) return with_context(backend.error(), file.path);
    at("start");
    const auto started = (*backend)->start(sink);
    Result<void> observed;
    if (started) {
        at("observe");
        Observation seen;
        observed = (*backend)->observe(seen);
        if (observed && !(*backend)->trouble().empty())
            observed = fail(Errc::bad_data, "observe " + (*backend)->trouble());
    }
    at("stop");
    (*backend)->stop();
    at("destroy");
    backend->reset();
    for (const Result<void>& result : {started, observed})
        // A hypervisor that is away says nothing of the module.
        if (!result && result.error().code != Errc::unavailable)
            return with_context(result.error(), file.path);
    return {};
}

int report_trial(const ModuleFile& file, const ModuleConfig& config, const Clock& clock) {
    // A module that hangs here must not outlive who waits for it.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const auto say = [](const std::string& line) {
        std::printf("%s\n", line.c_str());
        std::fflush(stdout);
    };
    const auto outcome =
        run_trial(file, config, clock, [&](const char* step) { say(fmt::format("at {}", step)); });
    if (!outcome)
        say(fmt::format("failed {} {}", to_string(outcome.error().code),
                        outcome.error().message()));
    if (outcome) say("passed");
    return outcome ? 0 : 1;
}

Result<void> try_module(const TrialProgram& program, const std::string& path) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail(Errc::io, "pipe", errno);
    const Fd output(ends[0]);
    Fd child_output(ends[1]);
    const auto input = file_with(program.input);
    if (!input) return Failure(input.error());
    const auto child = spawn(program, path, input->get(), child_output.get());
    if (!child) return Failure(child.error());
    child_output = Fd();
    const Time deadline = SystemClock().now() + program.patience;
    Transcript transcript = read_until_end(output.get(), deadline);
    // One that closed its output may live on.
    if (transcript.timed_out || !ends_until(*child, deadline)) {
        transcript.timed_out = true;
        ::kill(*child, SIGKILL);
    }
    int status = 0;
    while (::waitpid(*child, &status, 0) < 0 && errno == EINTR) {
    }
    return outcome_of(transcript, status, program.patience, path);
}

}  // namespace ballast
