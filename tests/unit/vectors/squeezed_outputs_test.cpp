#include "run_lines.h"
#include "tests/paths.h"
#include "vectors/outputs.h"

using namespace ballast;
using namespace ballast::vectors;

TEST_CASE("what squeezed made of its inputs is what Ballast makes of them") {
    CHECK(check_lines(test_data() + "/vectors/squeezed.jsonl", squeezed_output) > 100);
}
