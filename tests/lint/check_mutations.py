#!/usr/bin/env python3
"""Each mutation of tests/mutation/mutations.toml still applies.

usage: tests/lint/check_mutations.py [ROOT]

Where code changes, its mutation has to change with it: a text that occurs no more, or more than
once, would break something else or nothing. Prints one line for each problem in ROOT (this
repository) and exits 1 if there is one.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "mutation"))
import table  # noqa: E402


def main() -> int:
    here = pathlib.Path(__file__).resolve().parent
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here.parent.parent
    mutations = table.read(root)
    found = list(table.problems(root, mutations))
    for problem in found:
        print(problem)
    print(f"{len(mutations)} mutations, {len(found)} problems", file=sys.stderr)
    return 1 if found or not mutations else 0


if __name__ == "__main__":
    sys.exit(main())
