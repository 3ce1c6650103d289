#include "hv_backends/libvirt/bulk_reader.h"

#include <fmt/format.h>
#include <libvirt/virterror.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <system_error>

#include "base/log.h"
#include "base/units.h"
#include "hv_backends/libvirt/worker_connection.h"

namespace ballast {
namespace {

constexpr unsigned kGroups = VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_BALLOON;
// Each is one hung guest, or one hung libvirtd asked again.
constexpr std::size_t kMostGivenUp = 16;

// `wait_free`: whether the driver knows the NOWAIT flag, as far as is known.
Result<BulkRecords> read_all(virConnectPtr connection, bool& wait_free) {
    virDomainStatsRecordPtr* records = nullptr;
    unsigned flags = VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE;
    if (wait_free) flags |= VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT;
    const int count = virConnectGetAllDomainStats(connection, kGroups, &records, flags);
    if (count >= 0) return BulkRecords{StatsHandle(records), count};
    if (wait_free && last_error_number() == VIR_ERR_INVALID_ARG) {
        // A driver that never waits does not know the flag either.
        wait_free = false;
        return read_all(connection, wait_free);
    }
    return libvirt_failure("read all domains' statistics");
}

}  // namespace

// What the loop's thread and the thread that calls share.
struct BulkReader::Job {
    std::mutex mutex;
    std::condition_variable changed;
    bool asked = false;
    bool ending = false;
    std::optional<Result<BulkRecords>> answer;

    static void run(const std::shared_ptr<Job>& job, const std::string& uri) {
        WorkerConnection worker(uri);
        bool wait_free = true;
        std::unique_lock lock(job->mutex);
        for (;;) {
            job->changed.wait(lock, [&] { return job->asked || job->ending; });
            if (job->ending) return;
            job->asked = false;
            lock.unlock();
            const auto connection = worker.get();
            Result<BulkRecords> answer =
                connection ? read_all(*connection, wait_free) : Failure(connection.error());
            lock.lock();
            job->answer.emplace(std::move(answer));
            job->changed.notify_all();
        }
    }
    void end() {
        {
            const std::lock_guard lock(mutex);
            ending = true;
        }
        changed.notify_all();
    }
};

BulkReader::BulkReader(std::string uri, Duration deadline, WorkerThreads& threads)
    : uri_(std::move(uri)), deadline_(deadline), threads_(threads) {}

BulkReader::~BulkReader() {
    if (job_) job_->end();
}

std::size_t BulkReader::hanging() noexcept {
    std::erase_if(given_up_, [](const std::weak_ptr<Job>& job) { return job.expired(); });
    return given_up_.size();
}

Result<BulkRecords> BulkReader::ask(bool& timed_out) {
    if (!job_) {
        auto job = std::make_shared<Job>();
        try {
            threads_.start([job, uri = uri_] { Job::run(job, uri); });
        } catch (const std::system_error& error) {
            return fail(Errc::io, fmt::format("no thread to ask libvirt: {}", error.what()));
        }
        job_ = std::move(job);
    }
    std::unique_lock lock(job_->mutex);
    job_->answer.reset();
    job_->asked = true;
    job_->changed.notify_all();
    timed_out = !job_->changed.wait_for(lock, deadline_, [&] { return job_->answer.has_value(); });
    if (timed_out)
        return fail(Errc::timed_out,
                    fmt::format("libvirt did not answer within {}", format_duration(deadline_)));
    return std::move(*job_->answer);
}

void BulkReader::give_up() {
    job_->end();  // once its call has returned
    given_up_.push_back(job_);
    job_.reset();
}

Result<BulkRecords> BulkReader::read() {
    if (hanging() >= kMostGivenUp)
        return fail(Errc::timed_out,
                    fmt::format("{} calls hang in libvirt; no more are made until one returns",
                                given_up_.size()));
    bool timed_out = false;
    auto answer = ask(timed_out);
    if (timed_out) {
        log::warn("a guest, or libvirt, hangs: {}; asked again over another connection",
                  answer.error().message());
        give_up();
        answer = ask(timed_out);
    }
    if (timed_out) give_up();
    return answer;
}

}  // namespace ballast
