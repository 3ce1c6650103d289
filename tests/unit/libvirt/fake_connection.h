// A connection whose host is a table of ours, and which hangs when told to.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "hv_backends/libvirt/connection_thread.h"

namespace ballast::test {

// Any thread may call it.
class FakeHost {
  public:
    void add(const std::string& name, std::uint64_t loaned_bytes = 0) {
        const std::lock_guard lock(mutex_);
        const std::size_t row = table_.size();
        table_.resize(row + 1);
        table_.key[row] = key_from_name(name);
        table_.name[row] = name;
        table_.total_bytes[row] = 1U << 30U;
        table_.loaned_bytes[row] = loaned_bytes;
        ++table_.membership;
    }
    void remove(const std::string& name) {
        const std::lock_guard lock(mutex_);
        for (std::size_t row = table_.size(); row-- > 0;)
            if (table_.name[row] == name) table_.remove_row(row);
        ++table_.membership;
    }
    void set_available(std::uint64_t bytes) {
        const std::lock_guard lock(mutex_);
        available_bytes_ = bytes;
    }
    // Every call fails like that; nullopt: none does.
    void break_down(std::optional<Error> how) {
        const std::lock_guard lock(mutex_);
        problem_ = std::move(how);
    }
    // Calls do not return until they may.
    void hang(bool whether) {
        {
            const std::lock_guard lock(mutex_);
            hangs_ = whether;
        }
        changed_.notify_all();
    }
    int calls() {
        const std::lock_guard lock(mutex_);
        return calls_;
    }
    void wait_for_calls(int count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return calls_ >= count; });
    }
    int stops() {
        const std::lock_guard lock(mutex_);
        return stops_;
    }
    void wait_for_stop() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return stops_ > 0; });
    }
    void tell(const Event& event) {
        const std::lock_guard lock(mutex_);
        if (sink_ != nullptr) sink_->on_event(event);
    }

    // Of the loop's thread.
    std::vector<Step> steps;
    std::unordered_map<DomainKey, CarriedBooks> books;
    std::vector<DomainKey> tuned;

  private:
    friend class FakeConnection;
    Result<void> call() {
        std::unique_lock lock(mutex_);
        ++calls_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return !hangs_; });
        if (problem_) return Failure(*problem_);
        return {};
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    DomainTable table_;
    std::uint64_t available_bytes_ = kUnknownBytes;
    std::optional<Error> problem_;
    bool hangs_ = false;
    int calls_ = 0;
    int stops_ = 0;
    EventSink* sink_ = nullptr;
};

class FakeConnection final : public Backend {
  public:
    FakeConnection(std::shared_ptr<FakeHost> host, const Clock& clock)
        : host_(std::move(host)), clock_(clock) {
        capabilities_.name = "fake";
        capabilities_.description = "a fake";
    }
    const Capabilities& capabilities() const noexcept override { return capabilities_; }
    Result<void> start(EventSink& sink) override {
        auto called = host_->call();
        const std::lock_guard lock(host_->mutex_);
        host_->sink_ = &sink;
        return called;
    }
    void stop() noexcept override {
        {
            const std::lock_guard lock(host_->mutex_);
            host_->sink_ = nullptr;
            ++host_->stops_;
        }
        host_->changed_.notify_all();
    }
    Result<void> observe(Observation& into) override {
        if (auto called = host_->call(); !called) return called;
        const std::lock_guard lock(host_->mutex_);
        into.domains = host_->table_;
        into.host.available_bytes = host_->available_bytes_;
        into.at = clock_.now();
        return {};
    }
    StepOutcome apply(const Step& step) noexcept override {
        host_->steps.push_back(step);
        return {StepStatus::accepted, step.loaned_from_bytes, Constraint::none, {}};
    }
    void set_guest_tunables(const DomainKey& domain, const GuestTunables&) override {
        host_->tuned.push_back(domain);
    }
    std::optional<CarriedBooks> carried_books(const DomainKey& domain) const override {
        const auto found = host_->books.find(domain);
        if (found == host_->books.end()) return std::nullopt;
        return found->second;
    }
    void keep_books(const DomainKey& domain, const std::optional<CarriedBooks>& books) override {
        if (books) host_->books[domain] = *books;
    }

  private:
    const std::shared_ptr<FakeHost> host_;
    const Clock& clock_;
    Capabilities capabilities_;
};

}  // namespace ballast::test
