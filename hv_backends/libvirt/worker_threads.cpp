#include "hv_backends/libvirt/worker_threads.h"

#include <dlfcn.h>

#include <utility>

namespace ballast {

void keep_this_code_mapped() noexcept {
    Dl_info here{};
    if (::dladdr(reinterpret_cast<const void*>(&keep_this_code_mapped), &here) != 0)
        static_cast<void>(::dlopen(here.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE));
}

void WorkerThreads::start(std::function<void()> body) {
    join_those_done();
    auto done = std::make_shared<std::atomic<bool>>(false);
    workers_.push_back({done, std::thread([done, run = std::move(body)]() mutable {
                            run();
                            run = nullptr;  // what it owns goes before it counts as done
                            *done = true;
                        })});
}

void WorkerThreads::join_those_done() {
    std::erase_if(workers_, [](Worker& worker) {
        if (!*worker.done) return false;
        worker.thread.join();
        return true;
    });
}

bool WorkerThreads::join_all(Duration patience) {
    constexpr Duration look_again = std::chrono::milliseconds(1);
    for (Duration waited{0};; waited += look_again) {
        join_those_done();
        if (workers_.empty()) return true;
        if (waited >= patience) break;
        std::this_thread::sleep_for(look_again);
    }
    for (Worker& worker : workers_) worker.thread.detach();
    workers_.clear();
    return false;
}

}  // namespace ballast
