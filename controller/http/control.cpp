#include "controller/http/control.h"

#include <memory>
#include <utility>

namespace ballast {

template <class T, class Run>
Result<T> LoopControl::on_loop(Run run) {
    struct Counted {
        std::atomic<int>& count;
        const int before = count.fetch_add(1);
        ~Counted() { count.fetch_sub(1); }
    } counted{waiting_};
    if (counted.before >= kMaxWaiting)
        return fail(Errc::busy, "too many requests wait for the control loop");

    // Shared: after a time-out the loop may still run the command when we are gone.
    auto answer = std::make_shared<Result<T>>(fail(Errc::unavailable, "the command did not run"));
    auto called = loop_.call(
        [answer, run = std::move(run)](Controller& controller) { *answer = run(controller); },
        timeout_);
    if (!called) return with_context(called.error(), "control loop");
    return *answer;
}

Result<std::string> LoopControl::get_attribute(const std::string& domain,
                                               const std::string& attribute) {
    return on_loop<std::string>([domain, attribute](Controller& controller) {
        return controller.get_attribute(domain, attribute);
    });
}

Result<std::string> LoopControl::set_attribute(const std::string& domain,
                                               const std::string& attribute,
                                               const std::string& value) {
    return on_loop<std::string>([domain, attribute, value](Controller& controller) {
        if (auto set = controller.set_attribute(domain, attribute, value); !set)
            return Result<std::string>(Failure(set.error()));
        return controller.get_attribute(domain, attribute);
    });
}

Result<void> LoopControl::disable(const std::string& domain, bool disabled) {
    return on_loop<void>([domain, disabled](Controller& controller) {
        return controller.disable(domain, disabled);
    });
}

Result<void> LoopControl::release(const std::string& domain) {
    return on_loop<void>([domain](Controller& controller) { return controller.release(domain); });
}

Result<std::uint64_t> LoopControl::reserve(std::uint64_t bytes, const std::string& domain,
                                           Duration expires) {
    return on_loop<std::uint64_t>([bytes, domain, expires](Controller& controller) {
        return controller.reserve(bytes, domain, expires);
    });
}

Result<void> LoopControl::cancel_reservation(std::uint64_t id) {
    return on_loop<void>(
        [id](Controller& controller) { return controller.cancel_reservation(id); });
}

Result<ReservationList> LoopControl::reservations() {
    return on_loop<ReservationList>(
        [](Controller& controller) { return Result<ReservationList>(controller.reservations()); });
}

}  // namespace ballast
