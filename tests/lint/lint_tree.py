"""Runs a check on a tree of its own."""

import pathlib
import subprocess
import sys
import tempfile


def check(script: pathlib.Path, files: dict[str, str]) -> tuple[int, str]:
    """Exit status and standard output for a tree of these files, by path."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        result = subprocess.run([sys.executable, "-B", script, folder], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return result.returncode, result.stdout
