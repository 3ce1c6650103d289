#include "controller/http/control.h"

#include <algorithm>
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

template <class Make>
Result<Change> LoopControl::change(const std::string& domain, const std::string& attribute,
                                   Make make) {
    return on_loop<Change>(
        [domain, attribute, make = std::move(make)](Controller& controller) -> Result<Change> {
            const auto before = controller.get_attribute(domain, attribute);
            if (!before) return Failure(before.error());
            if (auto made = make(controller); !made) return Failure(made.error());
            const auto after = controller.get_attribute(domain, attribute);
            if (!after) return Failure(after.error());
            return Change{*before, *after};
        });
}

Result<std::string> LoopControl::get_attribute(const std::string& domain,
                                               const std::string& attribute) const {
    const auto view = views_.latest();
    return view ? read_attribute(*view, domain, attribute)
                : fail(Errc::unavailable, "the control loop has published nothing yet");
}

Result<Change> LoopControl::set_attribute(const std::string& domain, const std::string& attribute,
                                          const std::string& value) {
    return change(domain, attribute, [domain, attribute, value](Controller& controller) {
        return controller.set_attribute(domain, attribute, value);
    });
}

Result<Change> LoopControl::disable(const std::string& domain, bool disabled) {
    return change(domain, "disable", [domain, disabled](Controller& controller) {
        return controller.disable(domain, disabled);
    });
}

Result<Change> LoopControl::release(const std::string& domain) {
    return change(domain, "loaned_target_kb",
                  [domain](Controller& controller) { return controller.release(domain); });
}

Result<std::uint64_t> LoopControl::reserve(std::uint64_t bytes, const std::string& domain,
                                           Duration expires) {
    return on_loop<std::uint64_t>([bytes, domain, expires](Controller& controller) {
        return controller.reserve(bytes, domain, expires);
    });
}

Result<Reservation> LoopControl::cancel_reservation(std::uint64_t id) {
    return on_loop<Reservation>([id](Controller& controller) -> Result<Reservation> {
        const auto all = controller.reservations().reservations;
        const auto found = std::find_if(all.begin(), all.end(),
                                        [id](const Reservation& one) { return one.id == id; });
        if (auto done = controller.cancel_reservation(id); !done) return Failure(done.error());
        return *found;  // it was there, or could not have been cancelled
    });
}

ReservationList LoopControl::reservations() const {
    const auto view = views_.latest();
    return view ? view->reservations : ReservationList();
}

}  // namespace ballast
