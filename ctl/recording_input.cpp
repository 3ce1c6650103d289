#include "ctl/recording_input.h"

#include "ctl/text.h"

namespace ballast::ctl {

Result<Recording> load_recording(const std::string& path, std::ostream& err) {
    auto recording = read_recording(path);
    if (!recording) return recording;
    for (const std::string& note : recording->notes) err << path << ": " << printable(note) << "\n";
    Workload& workload = recording->workload;
    if (workload.host_bytes == 0) {
        err << path << ": the host is taken to be as large as its guests\n";
        workload.host_bytes = largest_capacity_bytes(workload);
    }
    return recording;
}

}  // namespace ballast::ctl
