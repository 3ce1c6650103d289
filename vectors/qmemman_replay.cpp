#include "vectors/qmemman_replay.h"

#include <cmath>

#include "policy/peers/qmemman_calls.h"
#include "vectors/fields.h"

namespace ballast::vectors {
namespace {

using Json = nlohmann::json;
using Input = nlohmann::ordered_json;
using qmemman::Want;

class Replay {
  public:
    explicit Replay(const Input& input)
        : ids_(domids(input)),
          free_kib_(list(input, "phys_free_kb")),
          held_kib_(list(input, "dom_mem_kb")) {
        system.all_bytes = number(input, "all_phys_mem");
        for (const Input& domain : list(input, "domains")) {
            system.domains.push_back(read_domain(domain));
            system.limits.push_back(
                {number(domain, "static_max_kb") * 1024, number(domain, "hotplug_max_kb") * 1024});
        }
    }

    qmemman::System system;

    std::size_t row(const std::string& domid) const { return row_of(ids_, domid); }

    // Serves what a call wants by `go_on(free bytes)` until it is done. False: readings ran out.
    template <class GoOn, class Watches>
    bool serve(Want want, GoOn go_on, Watches watches) {
        while (true) {
            write_sets();
            switch (want) {
                case Want::memory:
                    events_.push_back({"refresh"});
                    if (next_held_ == held_kib_.size()) return false;
                    refresh(held_kib_[next_held_++], watches);
                    want = go_on(0);
                    break;
                case Want::free:
                    events_.push_back({"free"});
                    if (next_free_ == free_kib_.size()) return false;
                    want = go_on(free_bytes(free_kib_[next_free_++]));
                    break;
                case Want::pause:
                    events_.push_back({"sleep"});
                    want = go_on(0);
                    break;
                case Want::done:
                    return true;
            }
        }
    }

    Json output(Json result) const {
        Json final = Json::array();
        for (std::size_t at = 0; at < ids_.size(); ++at) {
            const qmemman::Domain& domain = system.domains[at];
            final.push_back(
                {ids_[at], whole(domain.last_target_bytes), domain.no_progress, domain.slow});
        }
        return {{"result", std::move(result)}, {"events", events_}, {"final", std::move(final)}};
    }

  private:
    template <class Watches>
    void refresh(const Input& held_kib, Watches watches) {
        if (!held_kib.is_array() || held_kib.size() != ids_.size())
            throw BadInput{"as many figures as domains in each of 'dom_mem_kb'"};
        for (std::size_t at = 0; at < ids_.size(); ++at)
            if (watches(at)) system.refresh(at, number_in(held_kib[at], "dom_mem_kb") * 1024);
    }

    double free_bytes(const Input& free_kib) {
        return system.free_bytes(number_in(free_kib, "phys_free_kb") * 1024);
    }

    void write_sets() {
        constexpr double slack_kib = 1024;
        constexpr double unseen_kib = 16 * 1024;  // of its memory the guest does not see so much
        for (const qmemman::Request& set : system.sets()) {
            const double kib = set.memory_target_bytes / 1024;
            events_.push_back({"set", ids_[set.row], whole(set.memory_target_bytes),
                               whole(std::trunc(kib) + slack_kib), whole(std::trunc(kib)),
                               whole(std::trunc(kib - unseen_kib))});
        }
        system.forget_sets();
    }

    std::vector<std::string> ids_;
    const Input& free_kib_;
    const Input& held_kib_;
    std::size_t next_free_ = 0;
    std::size_t next_held_ = 0;
    Json events_ = Json::array();
};

constexpr auto every_row = [](std::size_t) { return true; };
constexpr const char* ran_out = "asks for more readings than were recorded";

}  // namespace

Json replay_balance(const Input& input) {
    Replay replay(input);
    qmemman::BalanceCall call(replay.system);
    const bool served = replay.serve(
        call.start(), [&call](double free_bytes) { return call.resume(free_bytes); }, every_row);
    Json output = replay.output(served ? Json() : Json(ran_out));
    const auto available_bytes = call.available_bytes();
    output["avail_mem_written"] = available_bytes ? whole(*available_bytes) : Json();
    return output;
}

Json replay_balloon(const Input& input) {
    Replay replay(input);
    const Input& arguments = list(input, "args");
    if (arguments.size() != 1) throw BadInput{"one size in 'args'"};
    qmemman::BalloonCall call(replay.system, number_in(arguments[0], "args"));
    const bool served = replay.serve(
        call.start(), [&call](double free_bytes) { return call.resume(free_bytes); }, every_row);
    return replay.output(served ? Json(call.freed()) : Json(ran_out));
}

Json replay_balloon_dom(const Input& input) {
    Replay replay(input);
    const Input& arguments = list(input, "args");
    if (arguments.size() != 1 || !arguments[0].is_object())
        throw BadInput{"one object of domain and size in 'args'"};
    std::vector<qmemman::DomainCall::Wish> wishes;
    for (const auto& [domid, size] : arguments[0].items())
        wishes.push_back({replay.row(domid), number_in(size, "args")});
    qmemman::DomainCall call(replay.system, std::move(wishes));
    const bool served = replay.serve(
        call.start(), [&call](double) { return call.resume(); },
        [&call](std::size_t row) { return call.watches(row); });
    return replay.output(served ? Json(call.reached()) : Json(ran_out));
}

}  // namespace ballast::vectors
