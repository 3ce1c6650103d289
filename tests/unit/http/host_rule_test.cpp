#include "controller/http/host_rule.h"

#include <catch2/catch.hpp>

using ballast::HostRule;

TEST_CASE("addresses, localhost and the names given are answered") {
    const HostRule rule({"host1.example.com", "host1"});
    for (const char* host : {"localhost", "LocalHost:9835", "localhost.", "127.0.0.1",
                             "127.0.0.1:1", "10.1.2.3:65535", "[::1]", "[::1]:9835", "[fe80::1]:80",
                             "host1", "HOST1.example.COM:9835", "host1.example.com."})
        CHECK(rule.allows(host));
    for (const char* host : {"evil.example",
                             "localhost.evil.example",
                             "evil-localhost",
                             "127.0.0.1.evil.example",
                             "host1.example.com.evil",
                             "host2",
                             "",
                             ":80",
                             "localhost:80x",
                             "[::1",
                             "::1]",
                             "[evil]:80",
                             "[127.0.0.1]",
                             "127.0.0.1:",
                             "1.2.3",
                             "0x7f.1",
                             "2130706433",
                             "user@localhost",
                             "localhost:80:80",
                             "localhost/",
                             "."})
        // A port may be empty.
        CHECK(rule.allows(host) == (std::string_view(host) == "127.0.0.1:"));
    CHECK_FALSE(HostRule().allows("host1"));
    CHECK(HostRule().allows("localhost"));
}
