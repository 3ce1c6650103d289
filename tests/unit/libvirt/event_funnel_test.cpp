// Events of several connections on their way to one sink.
#include "hv_backends/libvirt/event_funnel.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace ballast;
using namespace std::chrono_literals;

namespace {

class Kept final : public EventSink {
  public:
    void on_event(const Event& event) noexcept override { events.push_back(event); }
    std::vector<EventKind> kinds() const {
        std::vector<EventKind> all;
        for (const Event& event : events) all.push_back(event.kind);
        return all;
    }
    std::vector<Event> events;
};

using Kinds = std::vector<EventKind>;

struct Funnel {
    const DomainKey domain = key_from_name("a");
    std::shared_ptr<EventFunnel> funnel = std::make_shared<EventFunnel>();
    FunnelEnd first{funnel, 0, "test:///first"};
    FunnelEnd second{funnel, 1, "test:///second"};
    Kept kept;

    Funnel() { funnel->open(kept); }
    static void tell(FunnelEnd& end, EventKind kind, const DomainKey& domain) {
        Event event;
        event.kind = kind;
        event.domain = domain;
        end.on_event(event);
    }
    void owned_by(std::size_t connection) { funnel->set_owners({{domain, connection}}, Time{5s}); }
};

}  // namespace

TEST_CASE("the loss of a connection and its return name the connection") {
    Funnel funnel;
    Event lost;
    lost.kind = EventKind::backend_lost;
    lost.detail = "libvirt stopped answering";
    funnel.second.on_event(lost);
    Event back;
    back.kind = EventKind::backend_back;
    funnel.first.on_event(back);
    REQUIRE(funnel.kept.events.size() == 2);
    CHECK(funnel.kept.events[0].detail == "test:///second: libvirt stopped answering");
    CHECK(funnel.kept.events[1].detail == "test:///first");
}

TEST_CASE("of a domain its own connection tells, and of one that is nobody's yet any") {
    Funnel funnel;
    funnel.tell(funnel.second, EventKind::domain_came, funnel.domain);
    funnel.owned_by(0);
    funnel.tell(funnel.first, EventKind::domain_paused, funnel.domain);
    funnel.tell(funnel.second, EventKind::domain_resumed, funnel.domain);
    CHECK(funnel.kept.kinds() == Kinds{EventKind::domain_came, EventKind::domain_paused});
}

TEST_CASE("what a connection told and cannot end any more ends where the domain changes hands") {
    Funnel funnel;
    funnel.owned_by(0);
    funnel.tell(funnel.first, EventKind::migration_began, funnel.domain);
    funnel.tell(funnel.first, EventKind::domain_paused, funnel.domain);
    funnel.tell(funnel.first, EventKind::hotplug_began, funnel.domain);

    SECTION("all of it") {
        funnel.owned_by(1);
        REQUIRE(funnel.kept.events.size() == 6);
        CHECK(funnel.kept.events[3].kind == EventKind::domain_resumed);
        CHECK(funnel.kept.events[4].kind == EventKind::migration_ended);
        CHECK(funnel.kept.events[5].kind == EventKind::hotplug_cancelled);
        CHECK(funnel.kept.events[3].domain == funnel.domain);
        CHECK(funnel.kept.events[3].at == Time{5s});
    }
    SECTION("not what has ended before") {
        funnel.tell(funnel.first, EventKind::hotplug_ended, funnel.domain);
        funnel.tell(funnel.first, EventKind::domain_resumed, funnel.domain);
        funnel.owned_by(1);
        REQUIRE(funnel.kept.events.size() == 6);
        CHECK(funnel.kept.events[5].kind == EventKind::migration_ended);
    }
    SECTION("not while it stays whose it was") {
        funnel.owned_by(0);
        CHECK(funnel.kept.events.size() == 3);
    }
    SECTION("not where it has gone in between") {
        funnel.funnel->set_owners({}, Time{5s});
        funnel.owned_by(1);
        CHECK(funnel.kept.events.size() == 3);
    }
}

TEST_CASE("a funnel that is closed lets nothing through") {
    Funnel funnel;
    funnel.owned_by(0);
    funnel.tell(funnel.first, EventKind::domain_paused, funnel.domain);
    funnel.funnel->close();
    funnel.tell(funnel.first, EventKind::domain_resumed, funnel.domain);
    funnel.owned_by(1);
    CHECK(funnel.kept.events.size() == 1);
}
