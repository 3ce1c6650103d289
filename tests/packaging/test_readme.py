#!/usr/bin/env python3
"""The documents keep their promises: links lead somewhere, and the README's tour works.

The tour is pasted into a shell on a terminal, as a reader would: all at once, and line by line. Only
paths that other runs on this machine use as well are others than in the text.
"""

import os
import pathlib
import pty
import re
import select
import signal
import socket
import subprocess
import tempfile
import time
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [*SOURCE.glob("*.md"), *SOURCE.glob("docs/**/*.md")]
DAEMON_CONFIG = "config/examples/hands-on.yaml"
PATIENCE_S = 120


def tour() -> list[str]:
    """The blocks of the section on the simulator, as they stand there."""
    text = (SOURCE / "README.md").read_text()
    section = text.split("\n## Five minutes on the simulator\n")[1].split("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Shell:
    """A bash on a terminal of its own."""

    def __init__(self, folder: pathlib.Path):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(SOURCE)
            environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "PS1": "", "PS2": "",
                           "TERM": "dumb", "LANG": "C.UTF-8"}
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], environment)
        self.output = ""
        # What is typed is not to stand in the output as well.
        self.run("stty -echo -onlcr; bind 'set enable-bracketed-paste off'; PS1=; PS2=")
        self.output = ""

    def type(self, text: str) -> None:
        """Without waiting. What the terminal cannot take yet waits for the shell to read."""
        data = text.encode()
        while data:
            readable, writable, _ = select.select([self.terminal], [self.terminal], [], PATIENCE_S)
            if readable:
                self.read()
            if writable:
                # A terminal takes 4 KiB of lines that nobody has read.
                data = data[os.write(self.terminal, data[:256]):]

    def read(self) -> None:
        self.output += os.read(self.terminal, 65536).decode(errors="replace")

    def wait_for(self, wanted: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while wanted not in self.output:
            ready, _, _ = select.select([self.terminal], [], [], 1)
            if ready:
                self.read()
            if time.monotonic() > deadline:
                raise AssertionError(f"never: {wanted}\n{self.output}")

    def run(self, text: str) -> str:
        """Types it, and the output until it is done."""
        before = len(self.output)
        self.marks = getattr(self, "marks", 0) + 1
        self.type(f"{text}\necho done-''{self.marks}\n")
        self.wait_for(f"done-{self.marks}")
        return self.output[before:]

    def close(self) -> None:
        os.kill(self.pid, signal.SIGHUP)
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


class Links(unittest.TestCase):
    def test_every_relative_link_leads_to_a_file(self) -> None:
        checked = 0
        for document in DOCUMENTS:
            for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
                if "://" not in target:
                    self.assertTrue((document.parent / target).exists(), f"{document}: {target}")
                    checked += 1
        self.assertGreater(checked, 0)


class Tour(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.port = free_port()
        self.config = self.folder / "hands-on.yaml"
        self.config.write_text(self.moved((SOURCE / DAEMON_CONFIG).read_text()))
        self.shell = Shell(self.folder)
        self.addCleanup(self.shell.close)

    def moved(self, text: str) -> str:
        """With files and a port of this run."""
        return (text.replace("/tmp/ballast-demo", f"{self.folder}/ballast-demo")
                .replace("127.0.0.1:9835", f"127.0.0.1:{self.port}"))

    def blocks(self) -> list[str]:
        programs = {pathlib.Path(os.environ[name]).parent for name in ("BALLASTD", "BALLASTCTL")}
        blocks = []
        for block in tour():
            for old, new in (("$PWD/build/release/ctl:$PWD/build/release/controller",
                              ":".join(map(str, programs))),
                             (DAEMON_CONFIG, str(self.config)),
                             ("compared.html", f"{self.folder}/compared.html"),
                             # A day of simulated time says no more here than some minutes.
                             ("quiet-host.yaml\n", "quiet-host.yaml --until 2m\n")):
                block = block.replace(old, new)
            blocks.append(self.moved(block).replace(
                f"ballastd --config {self.config}",
                f"ballastd --config {self.config} 2> {self.folder}/log"))
        return blocks

    def check_ending(self, output: str) -> None:
        """After kill %1: the daemon has given back all, and says little."""
        status = self.shell.run("wait $!; echo status-$?")
        self.assertIn("status-0", status)
        log = (self.folder / "log").read_text()
        self.assertIn("everything lent is given back", log)
        self.assertNotIn("warning", log)
        self.assertNotIn("error", log)
        self.assertLess(len(log.splitlines()), 10, log)
        self.assertNotIn("cannot reach", output)
        self.assertNotIn("no domain", output)

    def check_daemon(self, output: str) -> None:
        """What the comments behind the commands say."""
        self.assertRegex(output, r"daemon +ballastd \S+, policy fixed")
        self.assertRegex(output, r"brisk +2 GiB +0 B")
        self.assertIn("brisk: simulate_loan_target_kb is 524288 now", output)
        self.assertRegex(output, r"Policy fixed asks it to lend [0-9.]+ MiB more")
        self.assertIn("rate_limit: one tick moves no more than the configured step", output)
        self.assertRegex(output, r"brisk .* min_mem\b")
        self.assertIn("brisk gets back what it lent now", output)
        self.assertRegex(output, r"decision +brisk: lends")
        self.assertIn('"name": "brisk"', output)
        self.assertRegex(output, r'ballast_loaned_bytes\{domain="brisk",uuid="[0-9a-f-]+"\} \d+')

    def test_pasted_whole_it_does_what_it_says(self) -> None:
        output = self.shell.run("".join(self.blocks()))
        self.assertRegex(output, r"spiky +1 OOM \(288 MiB taken back\)")
        self.assertIn("office12", output)
        self.assertTrue((self.folder / "compared.html").read_text().lower().startswith("<!doctype html>"))
        self.check_daemon(output)
        self.check_ending(output)

    def test_typed_slowly_it_does_the_same(self) -> None:
        output = ""
        blocks = self.blocks()
        first = next(n for n, block in enumerate(blocks) if "ballastd --config" in block)
        for line in "".join([blocks[0], *blocks[first:]]).splitlines():
            output += self.shell.run(line)
            time.sleep(1)
        self.check_daemon(output)
        self.check_ending(output)

    def test_nothing_happens_by_itself_while_the_reader_types(self) -> None:
        text = (SOURCE / DAEMON_CONFIG).read_text()
        self.assertNotIn("events:", text)
        self.assertNotIn("loan:", text)
        self.assertRegex("".join(tour()), f"ballastd --config {DAEMON_CONFIG} &")


if __name__ == "__main__":
    unittest.main()
