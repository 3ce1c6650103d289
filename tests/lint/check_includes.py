#!/usr/bin/env python3
"""Holds the C++ files to the direction of dependence, and libraries and clocks to their one place.

usage: tests/lint/check_includes.py [ROOT]

Prints FILE:LINE: MESSAGE for each violation in ROOT (this repository) and exits 1 if there is one.
"""

import os
import pathlib
import re
import sys

MIDDLE = {"policy", "hv_backends", "config", "sim", "bus"}
# What the files of a folder may include, beside those of their own folder.
MAY_INCLUDE = {
    "base": set(),
    "model": {"base"},
    "expression": {"base"},
    "policy": {"base", "model", "expression"},
    "vectors": {"base", "model", "expression", "policy"},
    "config": {"base", "model"},
    "bus": {"base", "model"},
    "recording": {"base", "model", "bus", "sim"},
    "sim": {"base", "model"},
    "report": {"base"},
    "hv_backends": {"base", "model", "sim"},  # simulated backends
    "modules": {"base", "model", "sim", "config", "hv_backends"},
    "probe": {"base"},
    "controller": {"base", "model", "modules", "probe"} | MIDDLE,
    # Policies on the workload simulator, alone or through the controller.
    "compare": {"base", "model", "recording", "report", "controller"} | MIDDLE,
    "conform": {"base", "model", "controller"} | MIDDLE,
    "ctl": {"base", "model", "probe", "recording", "report", "compare", "controller", "conform",
            "vectors"} | MIDDLE,
}
# They look into every part, and keep files of their own beside those that include them.
FREE = {"tests", "bench", "docs"}
# The only files, or folders, that may include a library's headers.
LIBRARIES = {
    "libvirt": ("hv_backends/libvirt/", "tests/", "bench/"),
    "prometheus": ("controller/http/metrics.cpp",),
    "SQLiteCpp": ("recording/", "controller/book_file.cpp", "tests/"),
    "urcu": ("probe/schemes/",),
    "yaml-cpp": ("config/yaml_document.cpp", "tests/"),
}
CLOCK_FILE = "base/clock.cpp"

COMMENT_OR_LITERAL = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Za-z])\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
# A call; not the definition of a member function of that name.
NOW = re.compile(r"::\s*now\s*\(\s*\)(?!\s*(const|noexcept|override)\b)")


def without_comments(text: str) -> str:
    """The same lines, with the comments blanked."""
    def blank(match):
        found = match.group(0)
        return "\n" * found.count("\n") + " " if found.startswith("/") else found
    return COMMENT_OR_LITERAL.sub(blank, text)


def direction_problem(path: str, name: str, quoted: bool) -> str | None:
    folder, target = path.split("/")[0], name.split("/")[0]
    if folder in FREE:
        return None
    if folder not in MAY_INCLUDE:
        return f"the folder {folder} has no place in the direction of dependence"
    if target not in MAY_INCLUDE and target not in FREE:
        foreign = not quoted or target in LIBRARIES
        return None if foreign else f'"{name}" is not named from the root'
    if target == folder or target in MAY_INCLUDE[folder]:
        return None
    return f"{folder} must not include {target} ({name})"


def library_problem(path: str, name: str) -> str | None:
    allowed = LIBRARIES.get(name.split("/")[0])
    if "/" not in name or allowed is None:
        return None
    if any(path == place or (place.endswith("/") and path.startswith(place)) for place in allowed):
        return None
    return f"only {', '.join(allowed)} may include <{name}>"


def problems_of(path: str, text: str) -> list[tuple[int, str]]:
    """Line and message of each violation in a file; `path` counts from the root."""
    found = []
    for number, line in enumerate(without_comments(text).split("\n"), start=1):
        include = INCLUDE.match(line)
        if include:
            bracket, name = include.groups()
            found.append((number, direction_problem(path, name, bracket == '"')))
            found.append((number, library_problem(path, name)))
        elif NOW.search(line) and path != CLOCK_FILE:
            found.append((number, f"only {CLOCK_FILE} may read a clock; take a Clock"))
    return [(number, message) for number, message in found if message]


def sources(root: pathlib.Path):
    """Every C++ file below `root`, as a path from there; not those of build trees."""
    for folder, folders, files in os.walk(root):
        top = pathlib.Path(folder) == root
        folders[:] = sorted(name for name in folders
                            if not name.startswith(".") and not (top and name == "build"))
        for name in sorted(files):
            if name.endswith((".h", ".cpp", ".c")):
                yield (pathlib.Path(folder) / name).relative_to(root).as_posix()


def main() -> int:
    here = pathlib.Path(__file__).resolve().parent
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here.parent.parent
    files = violations = 0
    for path in sources(root):
        files += 1
        for number, message in problems_of(path, (root / path).read_text(encoding="utf-8")):
            violations += 1
            print(f"{path}:{number}: {message}")
    print(f"{files} files, {violations} violations", file=sys.stderr)
    return 1 if violations or not files else 0


if __name__ == "__main__":
    sys.exit(main())
