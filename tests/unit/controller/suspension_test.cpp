// How long a hotplug suspension lasts: the driver sleeps for the hotplug_delay that is set when it
// notices the removal, then for the delay that is set when it goes to sleep again.
#include <catch2/catch.hpp>

#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

struct Write {
    Duration at{};  // after the removal was noticed
    std::string attribute;
    std::string value;
};

// A guest whose removal is noticed at 0; ticks every 100 ms, so that the grid hides nothing.
struct Suspended : Bench {
    static constexpr Duration kGrid = 100ms;

    Suspended() : Bench(settings_of()) {
        backend.add("g1", kGiB);
        look();
        removal();
        REQUIRE(look() == Constraint::hotplug);
        noticed_at = clock.now();
    }
    static Settings settings_of() {
        Settings settings = fixed_settings(1024);
        settings.cmm.profile = Profile::kernel;
        settings.cmm.safeguards.always_give_back = false;
        settings.cmm.hotplug_delay = 4s;
        return settings;
    }
    Constraint look() {
        clock.advance(kGrid);
        controller().tick(clock.now());
        return controller().snapshots().latest()->decisions[0].constraint;
    }
    void removal() {
        send(EventKind::hotplug_began, "g1");
        send(EventKind::hotplug_ended, "g1");
    }
    void write(const std::string& attribute, const std::string& value) {
        REQUIRE(controller().set_attribute("", attribute, value));
    }
    Duration passed() const { return clock.now() - noticed_at; }
    // Makes the writes at their times, and answers when the suspension was over.
    Duration lasts(const std::vector<Write>& writes = {}) {
        std::size_t next = 0;
        while (passed() < 60s) {
            for (; next < writes.size() && writes[next].at <= passed(); ++next)
                write(writes[next].attribute, writes[next].value);
            if (look() != Constraint::hotplug) return passed();
        }
        return passed();
    }
    Time noticed_at{};
};

}  // namespace

TEST_CASE("a suspension lasts for the hotplug_delay at its start and the delay after that") {
    const auto [writes, lasts] = GENERATE(table<std::vector<Write>, Duration>({
        {std::vector<Write>{}, 5s},
        // What is set before hotplug_delay has passed is what the driver sleeps for then.
        {{{500ms, "delay", "2"}}, 6s},
        {{{500ms, "delay", "2"}, {2s, "delay", "3"}}, 7s},
        {{{500ms, "delay", "3"}, {3900ms, "delay", "1"}}, 5s},
        {{{500ms, "delay", "2"}, {1s, "delay", "1"}, {2s, "delay", "10"}}, 14s},
        // Too late: the driver sleeps already.
        {{{4100ms, "delay", "3"}}, 5s},
        {{{500ms, "delay", "2"}, {4500ms, "delay", "1"}}, 6s},
        // hotplug_delay was read at the start.
        {{{500ms, "hotplug_delay", "1"}}, 5s},
        {{{500ms, "hotplug_delay", "30"}}, 5s},
        {{{500ms, "hotplug_delay", "1"}, {600ms, "delay", "2"}}, 6s},
        {{{4500ms, "hotplug_delay", "30"}, {4500ms, "delay", "30"}}, 5s},
    }));
    CHECK(Suspended().lasts(writes) == lasts);
}

TEST_CASE("a removal in a suspension takes the values of its own start") {
    Suspended run;
    run.removal();
    // The first ends after 4 + 2 s; the second is noticed then, and takes 1 + 3 s.
    CHECK(run.lasts({{500ms, "delay", "2"}, {1s, "hotplug_delay", "1"}, {5s, "delay", "3"}}) ==
          10s);
}

TEST_CASE("a delay that a reload changes counts as one that is written") {
    Suspended run;
    run.settings.cmm.delay = 2s;
    run.controller().reconfigure(run.settings);
    CHECK(run.lasts() == 6s);
}

TEST_CASE("a changed delay leaves alone what is suspended for other reasons, or not at all") {
    Suspended run;
    REQUIRE(run.lasts() == 5s);
    run.write("delay", "30");
    CHECK(run.look() == Constraint::none);
    // After switching on, the driver sleeps for the delay of that moment.
    run.write("delay", "1");
    run.write("disable", "1");
    run.look();
    run.write("disable", "0");
    run.write("delay", "30");
    const Time enabled_at = run.clock.now();
    while (run.look() != Constraint::none) REQUIRE(run.clock.now() - enabled_at < 60s);
    CHECK(run.clock.now() - enabled_at == 1s);
}

TEST_CASE("a removal while the domain is switched off is noticed one delay after it is on again") {
    Suspended run;
    REQUIRE(run.lasts() == 5s);
    run.write("disable", "1");
    run.removal();
    for (int i = 0; i < 200; ++i) run.look();  // 20 s: any suspension would be over
    run.write("disable", "0");
    run.noticed_at = run.clock.now();
    Duration suspended{};
    while (run.backend.table.loaned_bytes[0] == 0) {
        if (run.look() == Constraint::hotplug && suspended == Duration{}) suspended = run.passed();
        REQUIRE(run.passed() < 60s);
    }
    CHECK(suspended == 1s);
    CHECK(run.passed() == 6s);  // 1 + 4 + 1
}
