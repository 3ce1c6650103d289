// try_module BEHAVIOUR PATH: tries a module out in this process.
#include <filesystem>

#include "hv_backends/modules/trial.h"

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    ballast::ModuleConfig config;
    config.settings = {{"behaviour", argv[1]}};
    const ballast::SystemClock clock;
    const std::filesystem::path path(argv[2]);
    return ballast::report_trial({path.parent_path(), path}, config, clock);
}
