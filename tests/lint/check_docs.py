#!/usr/bin/env python3
"""Files and names that the documents quote exist.

usage: tests/lint/check_docs.py [ROOT]

A quoted file (`controller/gate.cpp`, `gate_test.cpp`) is a file of the repository, or ends the path
of one. A quoted name of code (`Controller::tick`, `book_oom`) occurs in a file that is no document;
where the text goes on with "in `FILE`", in that file. A test that is quoted after its file
(`gate_test`: "a paused domain moves") is in that file. Names of other projects are listed in
tests/lint/foreign_names.txt. Prints FILE:LINE: MESSAGE for each violation in ROOT (this repository)
and exits 1 if there is one.
"""

import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
FOREIGN = "tests/lint/foreign_names.txt"
# CHANGELOG.md speaks of what was.
NOT_CHECKED = {"CHANGELOG.md"}
QUOTED = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"[\w.+-]+(?:/[\w.+-]+)*\.(?:cpp|hpp|h|c|py|js|pml|toml|yaml|md|rules\.yml|csv|in)")
NAME = re.compile(r"(?:\w+::)*[A-Za-z_]\w*(?:\(\))?")
PLACE = re.compile(r"[\w.+-]+(?:/[\w.+-]+)+/?")
IN_FILE = re.compile(r"((?:`[^`\n]+`(?:, | and )?)+) in `([^`\n]+)`")
TESTS = re.compile(r'`([\w./]+_test|[\w./]*test_\w+\.py|[\w./]+_test\.cpp)`: ((?:"[^"\n]+"(?:, | and )?)+)')
WORD = re.compile(r"[A-Za-z_]\w*")


def tracked(root: pathlib.Path) -> list[str]:
    listed = subprocess.run(["git", "-c", f"safe.directory={root}", "ls-files"], cwd=root, text=True,
                            capture_output=True, check=False)
    if listed.returncode == 0:
        return [path for path in listed.stdout.splitlines() if (root / path).is_file()]
    return [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]


def is_document(path: str) -> bool:
    return path.endswith(".md") or path.startswith("docs/man/")


def looks_like_code(name: str) -> bool:
    """Only what no plain word looks like."""
    return "::" in name or "_" in name.strip("_") or re.search(r"[a-z][A-Z]", name) is not None


class Tree:
    def __init__(self, root: pathlib.Path):
        self.root = root
        self.paths = tracked(root)
        self.folders = {path.split("/")[0] for path in self.paths if "/" in path}
        self.words_of: dict[str, set[str]] = {}
        self.words: set[str] = set()
        for path in self.paths:
            if is_document(path) or path == FOREIGN or path.startswith("tests/data/"):
                continue
            try:
                self.words_of[path] = set(WORD.findall((root / path).read_text(encoding="utf-8")))
            except UnicodeDecodeError:
                continue
            self.words |= self.words_of[path]
        foreign = root / FOREIGN
        self.foreign = set()
        if foreign.exists():
            for line in foreign.read_text(encoding="utf-8").splitlines():
                self.foreign.update(line.split("#")[0].split())

    def files(self, name: str) -> list[str]:
        return [path for path in self.paths if path == name or path.endswith("/" + name)]

    def is_place(self, name: str) -> bool:
        """Whether it is a folder, or a file with or without its extension."""
        whole = name.rstrip("/")
        return any(path.startswith((whole + "/", whole + ".")) or path == whole
                   for path in self.paths)

    def test_problems(self, text: str):
        for match in TESTS.finditer(text):
            name = match[1] if "." in match[1] else match[1] + ".cpp"
            sources = "".join((self.root / path).read_text(encoding="utf-8")
                              for path in self.files(name))
            # A long name may be split over lines.
            sources = re.sub(r'"\s+"', "", sources)
            for test in re.findall(r'"([^"]+)"', match[2]):
                if test not in sources and test.replace(" ", "_") not in sources:
                    yield match.start(), f"{name} has no test '{test}'"

    def problems_of(self, text: str):
        yield from self.test_problems(text)
        for file_match in IN_FILE.finditer(text):
            homes = [path for path in self.files(file_match[2]) if path in self.words_of]
            if not homes:
                continue
            for name in QUOTED.findall(file_match[1]):
                if not NAME.fullmatch(name) or not looks_like_code(name):
                    continue
                last = name.removesuffix("()").split("::")[-1]
                if not any(last in self.words_of[home] for home in homes):
                    yield file_match.start(), f"{name} is not in {file_match[2]}"
        for quoted in QUOTED.finditer(text):
            name = quoted[1]
            if name in self.foreign:
                continue
            if FILE.fullmatch(name):
                if not self.files(name):
                    yield quoted.start(), f"no file {name}"
            elif PLACE.fullmatch(name) and name.split("/")[0] in self.folders:
                if not self.is_place(name):
                    yield quoted.start(), f"no file or folder {name}"
            elif name.endswith("_test") and self.files(name + ".cpp"):
                continue
            elif NAME.fullmatch(name) and looks_like_code(name):
                for part in name.removesuffix("()").split("::"):
                    if part not in self.words and part not in self.foreign:
                        yield quoted.start(), f"{name} occurs in no source"


def main() -> int:
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent.parent
    tree = Tree(root)
    documents = [path for path in tree.paths if path.endswith(".md") and path not in NOT_CHECKED
                 and not path.startswith("tests/data/")]
    violations = 0
    for path in documents:
        text = (root / path).read_text(encoding="utf-8")
        for at, message in sorted(set(tree.problems_of(text))):
            violations += 1
            print(f"{path}:{text.count(chr(10), 0, at) + 1}: {message}")
    print(f"{len(documents)} documents, {violations} violations", file=sys.stderr)
    return 1 if violations or not documents else 0


if __name__ == "__main__":
    sys.exit(main())
