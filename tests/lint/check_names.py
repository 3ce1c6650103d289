#!/usr/bin/env python3
"""No two headers define a class of one name in one namespace: the linker would take either for both.

usage: tests/lint/check_names.py [ROOT]

Prints FILE:LINE: MESSAGE for each violation in ROOT (this repository) and exits 1 if there is one.
"""

import pathlib
import re
import sys

import check_includes

NAMESPACE = re.compile(r"^namespace ([\w:]+) \{")
# At the start of a line: members are indented.
CLASS = re.compile(r"^(?:class|struct|enum class) (?:alignas\([^)]*\) )?(\w+)(?: final)?(?: : [^;]*)? \{")


def classes_of(text: str):
    """Line, namespace and name of each class that a header defines outside of another."""
    namespace = ""
    lines = zip(text.split("\n"), check_includes.without_comments(text).split("\n"))
    for number, (whole, line) in enumerate(lines, start=1):
        if opened := NAMESPACE.match(line):
            namespace = opened.group(1)
        elif whole.startswith("}  // namespace"):
            namespace = ""
        elif defined := CLASS.match(line):
            yield number, namespace, defined.group(1)


def main() -> int:
    here = pathlib.Path(__file__).resolve().parent
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here.parent.parent
    places: dict[tuple[str, str], str] = {}
    headers = violations = 0
    for path in check_includes.sources(root):
        # Tests are linked into programs of their own.
        if not path.endswith(".h") or path.split("/")[0] in check_includes.FREE:
            continue
        headers += 1
        for number, namespace, name in classes_of((root / path).read_text(encoding="utf-8")):
            first = places.setdefault((namespace, name), f"{path}:{number}")
            if first != f"{path}:{number}":
                violations += 1
                print(f"{path}:{number}: {namespace}::{name} is defined in {first} as well")
    print(f"{headers} headers, {violations} violations", file=sys.stderr)
    return 1 if violations or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
