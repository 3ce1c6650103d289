#!/usr/bin/env python3
"""The example backend of the documents builds from the installed header alone, and works."""

import os
import pathlib
import re
import subprocess
import unittest

from daemon import Daemon, DaemonCase

SOURCE = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = SOURCE / "docs/examples/folder_backend.c"
DOCUMENT = SOURCE / "docs/writing_a_backend.md"


class Example(DaemonCase):
    def setUp(self) -> None:
        super().setUp()
        include = self.folder / "include/ballast"
        include.mkdir(parents=True)
        (include / "module_abi.h").write_text((SOURCE / "hv_backends/module_abi.h").read_text())
        self.module = self.folder / "folder.so"

    def build(self, *options: str) -> None:
        built = subprocess.run(
            [os.environ.get("CC", "cc"), "-shared", "-fPIC", "-Wall", "-Wextra", "-Wpedantic",
             "-Wno-format-truncation", "-Werror", f"-I{self.folder}/include", *options, "-o",
             self.module, EXAMPLE], capture_output=True, text=True, check=False)
        self.assertEqual(built.returncode, 0, built.stderr)

    def test_the_document_shows_how_the_test_builds_it(self):
        self.assertIn("cc -std=c11 -shared -fPIC", DOCUMENT.read_text())

    def test_the_header_is_plain_c_and_cpp(self):
        for language in ("c", "c++"):
            checked = subprocess.run(
                ["cc", "-x", language, "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                 "-"], input=f'#include "{SOURCE}/hv_backends/module_abi.h"\n', text=True,
                capture_output=True, check=False)
            self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_it_lends_and_gives_back(self):
        self.build("-std=c11")
        domains = self.folder / "domains"
        domains.mkdir()
        for name in ("web-1", "web-2"):
            (domains / name).write_text("1048576 0\n")
        configuration = re.search(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[1]
        configuration = (configuration.replace("/absolute/path/of/folder.so", str(self.module))
                         .replace("/absolute/path/of/domains", str(domains))
                         .replace("/absolute/path/of\n", f"{self.folder}\n")
                         .replace("/tmp/folder.sock", str(self.folder / "api.sock")))
        # Not the machine's own.
        self.assertNotIn("state:", configuration)
        configuration += f"state: {{path: {self.folder}/state.db}}\n"
        daemon = Daemon(self.folder, text=configuration)
        self.addCleanup(daemon.close)
        daemon.notice("READY=1")

        def lent(name: str) -> int:
            return int((domains / name).read_text().split()[1])

        daemon.wait_until("both lend", lambda: lent("web-1") == lent("web-2") == 262144)
        (domains / "web-2").unlink()
        (domains / "broken").write_text("not two numbers")
        daemon.wait_until("web-2 is gone", lambda: '"web-2"' not in daemon.ctl(
            "domains", "--json").stdout)
        code, log = daemon.stop()
        self.assertEqual(code, 0, log)
        self.assertEqual(lent("web-1"), 0)

    def test_it_passes_its_trial(self):
        self.build("-std=c11")
        config = self.folder / "ballast.yaml"
        config.write_text(f'backend: {{name: folder, module: "{self.module}", '
                          f'module_directory: "{self.folder}", '
                          f'settings: {{folder: "{self.folder}"}}}}\npolicy: {{name: fixed}}\n')
        tried = subprocess.run([os.environ["BALLASTD"], "--config", config, "--try-module",
                                self.module], capture_output=True, text=True, check=False)
        self.assertEqual((tried.returncode, tried.stdout.splitlines()[-1]), (0, "passed"))
        config.write_text(f'backend: {{name: folder, module: "{self.module}", '
                          f'module_directory: "{self.folder}"}}\n'
                          'policy: {name: fixed}\n')
        tried = subprocess.run([os.environ["BALLASTD"], "--config", config, "--try-module",
                                self.module], capture_output=True, text=True, check=False)
        self.assertEqual(tried.returncode, 1)
        self.assertIn("'folder' is missing: where the domains' files are", tried.stdout)


if __name__ == "__main__":
    unittest.main()
