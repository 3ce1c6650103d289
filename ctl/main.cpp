// ballastctl: the command line of ballastd.
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <thread>

#include "ctl/cli.h"

int main(int argc, char** argv) {
    using namespace ballast::ctl;
    const char* api = std::getenv("BALLAST_API");
    Environment environment{std::cout,
                            std::cerr,
                            terminal_of(STDOUT_FILENO),
                            terminal_of(STDERR_FILENO),
                            api != nullptr && *api != '\0' ? api : "/run/ballast/api.sock",
                            make_socket_transport,
                            [](auto time) { std::this_thread::sleep_for(time); }};
    return static_cast<int>(run_cli({argv + 1, argv + argc}, environment));
}
