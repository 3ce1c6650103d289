// The recorded traces of the kernel's driver.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "conform/replay.h"
#include "tests/paths.h"

namespace ballast::conform {

inline std::string contents(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path.string());
    return {std::istreambuf_iterator<char>(file), {}};
}

inline std::filesystem::path trace_folder() {
    return std::filesystem::path(test_data()) / "cmm-traces";
}

inline std::vector<Trace> all_traces() {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(trace_folder()))
        if (entry.path().extension() == ".jsonl") paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::vector<Trace> traces;
    for (const auto& path : paths) {
        auto trace = read_trace(contents(path), path.filename().string());
        if (!trace) throw std::runtime_error(trace.error().message());
        traces.push_back(std::move(*trace));
    }
    return traces;
}

}  // namespace ballast::conform
