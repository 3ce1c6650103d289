"""The table of mutations: mutations.toml, checked."""

import dataclasses
import pathlib
import tomllib

TABLE = "tests/mutation/mutations.toml"


@dataclasses.dataclass(frozen=True)
class Mutation:
    file: str  # that is changed
    area: str  # test_AREA has to fail
    tests: tuple[str, ...]  # its source files that are tried first, without _test.cpp
    breaks: str  # what is broken then, for people
    old: str  # occurs once in the file
    new: str

    def applied_to(self, text: str) -> str:
        """The text of the file with the change; ValueError unless `old` occurs exactly once."""
        found = text.count(self.old)
        if found != 1:
            raise ValueError(f"'{self.old.strip()}' occurs {found} times, expected once")
        return text.replace(self.old, self.new)


def read(root: pathlib.Path) -> list[Mutation]:
    """All of them, in the table's order."""
    with open(root / TABLE, "rb") as file:
        blocks = tomllib.load(file)["in"]
    return [Mutation(block["file"], block["area"], tuple(block["tests"]), breaks, old, new)
            for block in blocks for breaks, old, new in block["changes"]]


def problems(root: pathlib.Path, mutations: list[Mutation]):
    """One line for each mutation that cannot be applied or is listed twice."""
    seen = set()
    for mutation in mutations:
        where = f"{TABLE}: {mutation.file}: {mutation.breaks}"
        if (mutation.file, mutation.breaks) in seen:
            yield f"{where}: is there twice"
        seen.add((mutation.file, mutation.breaks))
        if mutation.old == mutation.new:
            yield f"{where}: changes nothing"
        try:
            mutation.applied_to((root / mutation.file).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            yield f"{where}: {error}"
