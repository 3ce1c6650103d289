#!/usr/bin/env python3
"""The documents keep their promises: links lead somewhere, and the README's tour works."""

import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import time
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [*SOURCE.glob("*.md"), *SOURCE.glob("docs/**/*.md")]
DAEMON_CONFIG = "config/examples/policy-desk.yaml"
PATIENCE_S = 30


def tour() -> list[list[str]]:
    """The commands of the section on the simulator, comments taken off."""
    text = (SOURCE / "README.md").read_text()
    section = text.split("\n## Five minutes on the simulator\n")[1].split("\n## ")[0]
    lines = [line for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
             for line in block.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith("ballast")]


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
        self.socket = f"{folder.name}/api.sock"
        self.config = pathlib.Path(folder.name) / "ballast.yaml"
        text = (SOURCE / DAEMON_CONFIG).read_text()
        text, replaced = re.subn(r"(?m)^listen:.*$",
                                 f'listen: {{http: "127.0.0.1:0", api: {self.socket}}}', text)
        self.assertEqual(replaced, 1)
        self.config.write_text(text)

    def ctl(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([os.environ["BALLASTCTL"], *arguments], cwd=SOURCE, text=True,
                              capture_output=True, check=False,
                              env={**os.environ, "BALLAST_API": self.socket})

    def wait_for(self, wanted: str, *arguments: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while wanted not in (answer := self.ctl(*arguments)).stdout:
            self.assertLess(time.monotonic(), deadline, answer)
            time.sleep(0.1)

    def start(self) -> None:
        self.daemon = subprocess.Popen([os.environ["BALLASTD"], "--config", str(self.config)],
                                       stderr=subprocess.DEVNULL)
        self.addCleanup(self.daemon.wait)
        self.addCleanup(self.daemon.terminate)
        self.wait_for('"name": "brisk"', "domains", "--json")

    def test_each_command_does_what_its_comment_says(self) -> None:
        commands = tour()
        self.assertIn(["ballastd", "--config", DAEMON_CONFIG, "&"], commands)
        for program, *arguments in commands:
            if program == "ballastd":
                self.start()
                continue
            if arguments[0] == "simulate":
                arguments += ["--until", "2m"]
            if arguments[0] == "compare":
                arguments[-1] = f"{self.config.parent}/{arguments[-1]}"
            done = self.ctl(*arguments)
            self.assertEqual(done.returncode, 0, done)
            self.assertTrue(done.stdout, arguments)
            if arguments[:3] == ["set", "brisk", "min_mem_mb"]:
                self.wait_for(" min_mem", "domains")
        self.daemon.terminate()
        self.assertEqual(self.daemon.wait(timeout=PATIENCE_S), 0)


if __name__ == "__main__":
    unittest.main()
