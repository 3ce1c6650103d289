#!/usr/bin/env python3
"""Breaks one line at a time and looks whether a test notices.

usage: tests/mutation/run.py [--only TEXT] [--jobs N] [--build FOLDER] [--markdown]

For each mutation of mutations.toml: compiles a copy of the file with that change, links the one test
program that has to fail with it, and runs the test files that have to. Prints one line for each: killed and by which test,
survived, or error. A mutation that does not apply or does not compile is an error. The tree and the
build folder's own objects stay as they are.

  --only TEXT     those alone whose file or description contains TEXT
  --jobs N        N at once (1)
  --build FOLDER  a build folder of this tree, made with Ninja (build/dev); the test programs are
                  built there first and have to pass
  --markdown      the table of docs/testing.md, on standard output

Exit status: 0 if every mutation was killed, 1 if not, 2 if the run could not begin.
"""

import argparse
import collections
import concurrent.futures
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

import table

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SECONDS = 300  # that a test program may take


class CannotBegin(Exception):
    pass


def must(command: list, folder: pathlib.Path) -> str:
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    if done.returncode != 0:
        raise CannotBegin(f"{' '.join(map(str, command))}:\n{done.stdout[-4000:]}")
    return done.stdout


class Build:
    """A build folder, and how its files are compiled and its test programs linked."""

    def __init__(self, folder: pathlib.Path, areas: dict[str, set[str]], jobs: int):
        self.folder = folder
        must(["cmake", "--build", folder, "--parallel", str(jobs), "--target",
              *(f"test_{area}" for area in areas)], ROOT)
        entries = json.loads((folder / "compile_commands.json").read_text(encoding="utf-8"))
        # A file may be part of several programs: each has its own command.
        self.compiling = collections.defaultdict(list)
        for entry in entries:
            file = pathlib.Path(entry["directory"], entry["file"]).resolve()
            self.compiling[file].append(shlex.split(entry["command"]))
        self.linking = {}
        for area in areas:
            last = must(["ninja", "-t", "commands", f"test_{area}"], folder).strip().split("\n")[-1]
            self.linking[area] = [word for word in shlex.split(last) if word not in (":", "&&")]
            outcome, by = run_tests(self.program(area), areas[area])
            if outcome != "survived":
                raise CannotBegin(f"test_{area} fails without any mutation: {by}")

    def program(self, area: str) -> pathlib.Path:
        words = self.linking[area]
        return self.folder / words[words.index("-o") + 1]

    def try_one(self, mutation: table.Mutation) -> tuple[str, str]:
        """killed, survived or error, and by what."""
        path = ROOT / mutation.file
        with tempfile.TemporaryDirectory() as folder:
            changed = pathlib.Path(folder) / path.name
            changed.write_text(mutation.applied_to(path.read_text(encoding="utf-8")),
                               encoding="utf-8")
            linking = list(self.linking[mutation.area])
            commands = self.compiling[path]
            # Where the program has the file's object as its own, that one; else the library's.
            own = [words for words in commands if words[words.index("-o") + 1] in linking]
            if not commands:
                return "error", f"{self.folder} does not compile it"
            compiling = list((own or commands)[0])
            at = compiling.index("-o") + 1
            theirs, compiling[at] = compiling[at], f"{folder}/changed.o"
            compiling[compiling.index("-c") + 1] = str(changed)
            # Tests judge, not warnings; and nobody debugs it.
            if failure := self._fails([*compiling, "-w", "-g0"]):
                return "error", f"does not compile: {failure}"
            # What is linked before a library's object takes its place.
            if theirs in linking:
                linking[linking.index(theirs)] = f"{folder}/changed.o"
            else:
                linking.insert(linking.index("-o"), f"{folder}/changed.o")
            program = pathlib.Path(folder) / f"test_{mutation.area}"
            linking[linking.index("-o") + 1] = str(program)
            if failure := self._fails([*linking, "-s"]):
                return "error", f"does not link: {failure}"
            return run_tests(program, mutation.tests)

    def _fails(self, command: list[str]) -> str:
        done = subprocess.run(command, cwd=self.folder, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode == 0:
            return ""
        lines = done.stdout.splitlines()
        return next((line for line in lines if "error" in line), (lines or ["?"])[0])


def run_tests(program: pathlib.Path, files) -> tuple[str, str]:
    """killed or survived, and the first test of these files that failed."""
    which = ",".join(f"[#{name}_test]" for name in files)
    try:
        done = subprocess.run([program, "--abort", "-r", "xml", "--filenames-as-tags", which],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=SECONDS,
                              check=False)
    except subprocess.TimeoutExpired:
        return "killed", f"time: not done after {SECONDS} s"
    if done.returncode == 0:
        return "survived", ""
    return "killed", failed_test(done.stdout) or f"exit status {done.returncode}"


def failed_test(report: bytes) -> str:
    """FILE: NAME of the first test case of a Catch2 report that failed; the report may be cut."""
    name = ""
    parser = xml.XMLPullParser(["start", "end"])
    try:
        parser.feed(report)
        for kind, element in parser.read_events():
            if kind == "start" and element.tag == "TestCase":
                name = f"{pathlib.Path(element.get('filename')).name}: {element.get('name')}"
            failed = element.tag == "OverallResult" and element.get("success") == "false"
            if kind == "end" and failed:
                break
    except xml.ParseError:
        pass
    return name


def run_all(build: Build, mutations: list[table.Mutation], jobs: int):
    """Each mutation with its outcome, by what, and how long it took; as they come."""
    def one(mutation: table.Mutation):
        began = time.monotonic()
        return mutation, *build.try_one(mutation), time.monotonic() - began

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(one, mutation) for mutation in mutations]
        for done in concurrent.futures.as_completed(waiting):
            yield done.result()


def as_markdown(rows) -> str:
    lines = ["| file | what is broken | outcome | by |", "|---|---|---|---|"]
    for mutation, outcome, by in rows:
        lines.append(f"| `{mutation.file}` | {mutation.breaks} | {outcome} | {by.split(': ')[0]} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--help", "-h", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/dev")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    if options.help:
        print(__doc__.strip())
        return 0
    everything = table.read(ROOT)
    for problem in (found := list(table.problems(ROOT, everything))):
        print(problem, file=sys.stderr)
    mutations = [m for m in everything if options.only in m.file or options.only in m.breaks]
    if found or not mutations:
        print("no mutation was tried", file=sys.stderr)
        return 2
    areas: dict[str, set[str]] = {}
    for mutation in mutations:
        areas.setdefault(mutation.area, set()).update(mutation.tests)
    try:
        build = Build(options.build.resolve(), areas, options.jobs)
    except CannotBegin as error:
        print(error, file=sys.stderr)
        return 2
    outcomes = {}
    for mutation, outcome, by, seconds in run_all(build, mutations, options.jobs):
        outcomes[mutation] = (outcome, by)
        print(f"{outcome:8} {seconds:4.0f} s  {mutation.file}: {mutation.breaks}"
              f"{' -- ' if by else ''}{by}", file=sys.stderr, flush=True)
    rows = [(mutation, *outcomes[mutation]) for mutation in mutations]
    if options.markdown:
        print(as_markdown(rows))
    counts = collections.Counter(outcome for _, outcome, _ in rows)
    print(f"{len(rows)} mutations: {counts['killed']} killed, {counts['survived']} survived, "
          f"{counts['error']} errors", file=sys.stderr)
    return 0 if counts["killed"] == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
