// The places where readers wait for one another, and what is measured where they do not.
#include "probe/meeting.h"

#include <algorithm>
#include <thread>

#include "probe_fixture.h"

using namespace ballast;
using namespace ballast::probe;
using namespace ballast::probe::test;

namespace {

// The kernel's condition: whoever is not the last goes on at once, and the last has nobody to wait
// for.
class InvertedMeeting {
  public:
    explicit InvertedMeeting(unsigned readers) : missing_(static_cast<int>(readers)) {}
    template <class Meanwhile>
    bool wait(const std::atomic<bool>&, Meanwhile&& meanwhile) {
        if (missing_.fetch_sub(1) == 1)
            while (missing_.load() != 0) meanwhile();
        return true;
    }

  private:
    std::atomic<int> missing_;
};

// Whether the first of two to come is still there, and busy, when the second one comes.
template <class Place>
bool first_waits_for_second() {
    Place place(2);
    const std::atomic<bool> given_up{false};
    std::atomic<int> meanwhile{0};
    std::atomic<bool> left{false};
    std::thread first([&] {
        place.wait(given_up, [&] { ++meanwhile; });
        left = true;
    });
    while (meanwhile < 100 && !left) std::this_thread::yield();
    const bool waited = !left;
    place.wait(given_up, [] {});
    first.join();
    return waited;
}

// A scheme whose second reader is slow to begin: it enters only when the first has been measured,
// or is seen to wait for it.
class LateScheme final : public Scheme {
  public:
    void enter(unsigned reader) override {
        if (reader == 0) return;
        for (int i = 0; i < 1000 && first_reads < 3; ++i) std::this_thread::yield();
    }
    void read_section(unsigned reader, std::uint32_t) override {
        if (reader == 0) ++first_reads;
    }
    void delay_section(unsigned, std::uint32_t, const ReadDelay&) override {}
    std::atomic<int> first_reads{0};
};

// Times each of which is later than the one before, on whichever thread.
class CountingClock final : public Clock {
  public:
    Time now() const noexcept override { return Time(Duration(++ticks)); }
    WallTime wall_now() const noexcept override { return {}; }
    mutable std::atomic<std::int64_t> ticks{0};
};

template <class Place>
std::vector<Verdict> verdicts_of_late_readers() {
    const auto team = two_readers();
    const CountingClock clock;
    std::vector<Verdict> verdicts;
    // Some are switched out on a busy machine, which says nothing of the meetings.
    for (int tries = 0; verdicts.size() < 20 && tries < 2000; ++tries) {
        LateScheme scheme;
        const Verdict verdict =
            run_experiment<Place>(*team, scheme, 2, {.loops = 1}, clock).verdict;
        if (verdict == Verdict::clean || verdict == Verdict::apart) verdicts.push_back(verdict);
    }
    return verdicts;
}

}  // namespace

TEST_CASE("the first to come waits for the last, and works meanwhile") {
    CHECK(first_waits_for_second<Meeting>());
}

TEST_CASE("with the kernel's inverted condition nobody waits") {
    CHECK_FALSE(first_waits_for_second<InvertedMeeting>());
}

TEST_CASE("a meeting that is given up ends") {
    Meeting place(2);
    const std::atomic<bool> given_up{true};
    CHECK_FALSE(place.wait(given_up, [] {}));
}

TEST_CASE("a reader that comes late is waited for, so the measured sections are under full load") {
    const auto verdicts = verdicts_of_late_readers<Meeting>();
    CHECK(std::count(verdicts.begin(), verdicts.end(), Verdict::apart) == 0);
}

TEST_CASE("with the inverted condition readers are measured alone, and that is seen") {
    const auto verdicts = verdicts_of_late_readers<InvertedMeeting>();
    CHECK(std::count(verdicts.begin(), verdicts.end(), Verdict::apart) == 20);
}
