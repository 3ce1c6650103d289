// Files that are no event bus, or one that somebody tampers with.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <thread>

#include "base/fd.h"
#include "bus_fixture.h"

using namespace ballast;
using namespace ballast::test;
using Catch::Matchers::Contains;

namespace {

// The file of a good bus, to be changed.
std::string good_file(const BusFixture& fixture) {
    fixture.writer();
    std::ifstream file(fixture.path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

template <class Value>
std::string changed(std::string bytes, std::size_t offset, Value value) {
    std::memcpy(bytes.data() + offset, &value, sizeof(value));
    return bytes;
}

}  // namespace

TEST_CASE("what is no event bus is refused, and why is told") {
    const BusFixture fixture;
    CHECK_THAT(fixture.refusal(), Contains("No such file"));
    fixture.write("");
    CHECK_THAT(fixture.refusal(), Contains("0 bytes long, expected an event bus"));
    fixture.write(std::string(100'000, 'x'));
    CHECK_THAT(fixture.refusal(),
               Contains("not an event bus: it begins with 7878787878787878, expected 3153"));
    std::remove(fixture.path.c_str());
    REQUIRE(mkdir(fixture.path.c_str(), 0700) == 0);
    CHECK_THAT(fixture.refusal(), Contains("not a regular file"));
    rmdir(fixture.path.c_str());
    REQUIRE(mkfifo(fixture.path.c_str(), 0600) == 0);
    CHECK_THAT(fixture.refusal(), Contains("not a regular file"));
}

TEST_CASE("a bus without the right to read it is refused") {
    const BusFixture fixture;
    fixture.writer();
    REQUIRE(chmod(fixture.folder.path("").c_str(), 0755) == 0);
    REQUIRE(chmod(fixture.path.c_str(), 0) == 0);
    const pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && setuid(65534) != 0) _exit(2);
        _exit(fixture.refusal().find("Permission denied") != std::string::npos ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(status == 0);
}

TEST_CASE("a header that does not add up is refused") {
    const BusFixture fixture;
    const std::string good = good_file(fixture);
    const auto refused_with = [&](std::size_t offset, std::uint32_t value) {
        fixture.write(changed(good, offset, value));
        return fixture.refusal();
    };
    CHECK_THAT(refused_with(offsetof(bus_header, version), 2),
               Contains("version 2 of the event bus, expected 1"));
    CHECK_THAT(refused_with(offsetof(bus_header, header_size), 8), Contains("no event bus has"));
    for (const std::uint32_t size : {0U, 64U, 200U, 1U << 20U, ~0U})
        CHECK_THAT(refused_with(offsetof(bus_header, slot_size), size),
                   Contains("no event bus has"));
    for (const std::uint32_t count : {0U, 1U, 3U, ~0U})
        CHECK_THAT(refused_with(offsetof(bus_header, slot_count), count),
                   Contains("no event bus has"));
    CHECK_THAT(refused_with(offsetof(bus_header, slot_count), 1U << 20U),
               Contains("8192 bytes long, expected 268439552 for 1048576 slots of 256 bytes"));
    fixture.write(good.substr(0, good.size() - 1));
    CHECK_THAT(fixture.refusal(), Contains("8191 bytes long, expected 8192"));
}

TEST_CASE("a length, a stamp or a head that lies moves no reader out of bounds") {
    const BusFixture fixture;
    const std::string good = good_file(fixture);
    // Position 0 is whole, and published.
    std::string bytes = changed(good, BUS_HEADER_SIZE, std::uint64_t{2});
    bytes = changed(bytes, offsetof(bus_header, head), std::uint64_t{1});
    SECTION("a length") {
        bytes = changed(bytes, BUS_HEADER_SIZE + 24, ~std::uint32_t{0});
        fixture.write(bytes);
        Bus bus(fixture.path, BALLAST_BUS_FROM_OLDEST);
        ballast_bus_record record;
        REQUIRE(bus.next(record, 0) == BALLAST_BUS_RECORD);
        CHECK(record.size == BALLAST_BUS_MAX_PAYLOAD);
    }
    SECTION("a stamp far ahead, with a head that stands still") {
        bytes = changed(bytes, BUS_HEADER_SIZE, ~std::uint64_t{0});
        fixture.write(bytes);
        Bus bus(fixture.path, BALLAST_BUS_FROM_OLDEST);
        ballast_bus_record record;
        CHECK(bus.next(record, 0) != BALLAST_BUS_RECORD);
        CHECK(bus.lost() == 1);
    }
    SECTION("a head far ahead") {
        bytes = changed(bytes, offsetof(bus_header, head), ~std::uint64_t{0} - 5);
        fixture.write(bytes);
        Bus bus(fixture.path, BALLAST_BUS_FROM_OLDEST);
        ballast_bus_record record;
        CHECK(bus.next(record, 0) != BALLAST_BUS_RECORD);
    }
}

TEST_CASE("a file that shrinks while it is read is an error, not the process's end") {
    const BusFixture fixture;
    const auto writer = fixture.writer(1024);
    Bus bus(fixture.path);
    ballast_bus_record record;
    publish_number(*writer, 1);
    writer->commit();
    REQUIRE(bus.next(record, 0) == BALLAST_BUS_RECORD);
    REQUIRE(truncate(fixture.path.c_str(), 0) == 0);
    CHECK_THROWS_WITH(bus.next(record, 0), Contains("shrank while it was read"));
    CHECK_THROWS_WITH(bus.next(record, 0), Contains("shrank"));
}

TEST_CASE("without the guard, a file that shrinks ends the process") {
    const BusFixture fixture;
    const pid_t child = fork();
    if (child == 0) {
        std::signal(SIGBUS, SIG_DFL);  // also that of a sanitizer
        const auto writer = fixture.writer(1024);
        ballast_bus* bus = nullptr;
        if (ballast_bus_open(&bus, fixture.path.c_str(), BALLAST_BUS_NO_SIGBUS) != 0) _exit(1);
        std::signal(SIGBUS, SIG_DFL);
        if (truncate(fixture.path.c_str(), 0) != 0) _exit(1);
        ballast_bus_record record;
        ballast_bus_next(bus, &record, 0);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGBUS);
}

TEST_CASE("readers that cut off what the writer looks at do it no harm") {
    const BusFixture fixture;
    const auto writer = fixture.writer();
    REQUIRE(truncate((fixture.path + ".wait").c_str(), 0) == 0);
    publish_number(*writer, 1);
    writer->commit();
    publish_number(*writer, 2);
    writer->commit();
    Bus bus(fixture.path, BALLAST_BUS_FROM_OLDEST);
    ballast_bus_record record;
    CHECK(bus.next(record, 10) == BALLAST_BUS_RECORD);
}

TEST_CASE("a writer takes no name that is something else's") {
    const BusFixture fixture;
    fixture.write("somebody's notes");
    const auto refused = [&](const std::string& path) {
        const auto made = BusWriter::create(path, {}, fixture.clock);
        REQUIRE_FALSE(made);
        return made.error().message();
    };
    CHECK_THAT(refused(fixture.path), Contains("events: exists and is no event bus"));
    std::ifstream kept(fixture.path);
    std::string text;
    std::getline(kept, text);
    CHECK(text == "somebody's notes");
    const std::string folder = fixture.folder.path("folder");
    REQUIRE(mkdir(folder.c_str(), 0700) == 0);
    CHECK_THAT(refused(folder), Contains("exists and is no event bus"));
    const std::string fifo = fixture.folder.path("fifo");
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    CHECK_THAT(refused(fifo), Contains("exists and is no event bus"));
    CHECK_THAT(refused("/no/such/folder/events"), Contains("/no/such/folder/events.writer"));
    fixture.write("");  // touched, maybe
    CHECK(BusWriter::create(fixture.path, {.slot_count = 16}, fixture.clock));
}

TEST_CASE("a file that is cut off under its writer ends nobody") {
    const BusFixture fixture;
    const auto writer = fixture.writer(1024);
    REQUIRE(truncate(fixture.path.c_str(), 0) == 0);
    publish_number(*writer, 1);
    writer->commit();
    writer->beat();
    CHECK(writer->file().damaged());
}

TEST_CASE("who locks what it can open keeps no writer out, and its end is seen all the same") {
    const BusFixture fixture;
    auto writer = fixture.writer();
    struct stat about {};
    REQUIRE(stat((fixture.path + ".writer").c_str(), &about) == 0);
    CHECK((about.st_mode & 0777U) == 0600U);
    writer.reset();
    const Fd foreign(open((fixture.path + ".lock").c_str(), O_RDONLY | O_CLOEXEC));
    flock lock{};
    lock.l_type = F_RDLCK;
    lock.l_whence = SEEK_SET;
    REQUIRE(fcntl(foreign.get(), F_OFD_SETLK, &lock) == 0);
    writer = fixture.writer();
    writer->beat();
    Bus bus(fixture.path);
    ballast_bus_record record;
    CHECK(bus.next(record, 0) == BALLAST_BUS_NOTHING);
    writer.reset();
    CHECK(bus.next(record, 5000) == BALLAST_BUS_WRITER_GONE);
}

TEST_CASE("a new file that cannot be read is told of as the writer's end, with the reason") {
    const BusFixture fixture;
    const auto writer = fixture.writer();
    Bus bus(fixture.path);
    REQUIRE(rename(fixture.path.c_str(), fixture.folder.path("away").c_str()) == 0);
    fixture.write("of a later version");
    ballast_bus_record record;
    CHECK(bus.next(record, 5000) == BALLAST_BUS_WRITER_GONE);
    CHECK_THAT(bus.error(), Contains("expected an event bus"));
    CHECK(bus.next(record, 1) == BALLAST_BUS_NOTHING);
}

TEST_CASE("a signal that is sent is no fault, and does what it would have done") {
    const BusFixture fixture;
    const pid_t child = fork();
    if (child == 0) {
        std::signal(SIGBUS, SIG_DFL);
        const auto writer = fixture.writer();
        Bus bus(fixture.path);
        raise(SIGBUS);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS;
    const bool ended_by_a_sanitizer = WIFEXITED(status) && WEXITSTATUS(status) != 0;
    CHECK((killed || ended_by_a_sanitizer));
}
