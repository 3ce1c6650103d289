#include "run_lines.h"
#include "tests/paths.h"
#include "vectors/outputs.h"

using namespace ballast;
using namespace ballast::vectors;

TEST_CASE("what cpuplugd made of its inputs is what Ballast makes of them") {
    CHECK(check_lines(test_data() + "/vectors/cpuplugd.jsonl", cpuplugd_output) > 100);
}
