// Measures in the background of the daemon, within a budget of processor time and out of the
// control loop's way.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/result.h"
#include "controller/probe_status.h"
#include "probe/survey.h"

namespace ballast {

class ProbeRunner {
  public:
    struct Options {
        Duration budget_per_s = std::chrono::milliseconds(1);  // of one core, all threads together
        std::uint32_t loops = 1000;
        std::uint32_t runs = 21;
        unsigned readers = 1;
        // How long nobody minds: until the next tick is due; 0 or less: not now, as one runs or is
        // late. Any thread.
        std::function<Duration()> room;
    };

    // Starts threads of the lowest priority. `clock` outlives it. Errors: those of ReaderTeam.
    static Result<std::unique_ptr<ProbeRunner>> start(const Clock& clock, Options options);
    // Waits for the experiment that is under way, at no low priority any more; 20 ms and what a
    // busy machine adds.
    ~ProbeRunner();
    ProbeRunner(const ProbeRunner&) = delete;
    ProbeRunner& operator=(const ProbeRunner&) = delete;

    // The rows of the last survey, and the counts; without choices. `findings` becomes what that
    // survey found, for choose(); empty before. Any thread.
    ProbeReport report(std::vector<probe::Finding>& findings) const;
    // Clean experiments wanted of each, as quality() asks.
    std::uint32_t wanted() const noexcept { return options_.runs; }

  private:
    ProbeRunner(const Clock& clock, Options options, std::unique_ptr<probe::ReaderTeam> team);
    void run();
    bool pause(std::unique_lock<std::mutex>& lock, Duration span);
    void publish(const probe::Survey& survey);  // without the lock

    const Clock& clock_;
    const Options options_;
    std::unique_ptr<probe::ReaderTeam> team_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    // Guarded by mutex_.
    bool ending_ = false;
    ProbeReport report_;
    std::vector<probe::Finding> findings_;

    std::thread thread_;
};

}  // namespace ballast
