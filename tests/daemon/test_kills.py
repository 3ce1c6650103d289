#!/usr/bin/env python3
"""Daemons that are killed, and states that are damaged, cost no guest its memory.

BALLAST_KILLS: how many daemons are killed; the short form kills 12.
"""

import json
import os
import pathlib
import random
import subprocess
import time
import unittest

from daemon import Daemon, DaemonCase

SOURCE = pathlib.Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("BALLAST_KILLS", "12"))
NEW_DOMAINS = 3  # for each daemon
TOTAL_KIB = 1048576
TARGET_KIB = 262144
CONFIG = """
mode: live
cmm: {{delay: 50ms, min_mem_mb: 64, simulate_loan_target_kb: 262144}}
backend: {{name: folder, module_directory: "{directory}", module: "{module}", settings: {{folder: "{domains}"}}}}
policy: {{name: fixed}}
listen: {{http: "", api: {api}}}
bus: {{path: ""}}
state: {{path: {state}, stop_timeout: 10s}}
"""


class Kills(DaemonCase):
    def setUp(self) -> None:
        super().setUp()
        self.domains = self.folder / "domains"
        self.domains.mkdir()
        self.state = self.folder / "state" / "state.db"
        self.originals: dict[str, int] = {}
        self.environment: dict[str, str] = {}
        self.random = random.Random(1)
        self.module = self.folder / "folder.so"
        include = self.folder / "include/ballast"
        include.mkdir(parents=True)
        (include / "module_abi.h").write_text((SOURCE / "hv_backends/module_abi.h").read_text())
        self.build(self.module, SOURCE / "docs/examples/folder_backend.c",
                   "-std=c11", f"-I{self.folder}/include")

    def build(self, into: pathlib.Path, source: pathlib.Path, *options: str) -> None:
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", *options, "-o", into, source],
                       check=True)

    def slow_disk(self, milliseconds: int) -> None:
        shim = self.folder / "slow_disk.so"
        self.build(shim, SOURCE / "tests/daemon/slow_disk.c")
        self.environment = {"LD_PRELOAD": str(shim), "SLOW_DISK_MS": str(milliseconds)}

    def start(self) -> Daemon:
        (self.folder / "notify").unlink(missing_ok=True)
        daemon = Daemon(self.folder, environment=self.environment, text=CONFIG.format(
            directory=self.folder, module=self.module, domains=self.domains, api=self.folder / "api.sock",
            state=self.state))
        self.addCleanup(daemon.close)
        return daemon

    def add_domains(self, count: int) -> None:
        for _ in range(count):
            name = f"g{len(self.originals)}"
            self.originals[name] = self.random.choice((0, 65536))
            (self.domains / name).write_text(f"{TOTAL_KIB} {self.originals[name]}\n")

    def lent_kib(self, name: str) -> int:
        return int((self.domains / name).read_text().split()[1])

    def all_lend(self) -> bool:
        return all(self.lent_kib(name) == TARGET_KIB for name in self.originals)

    def status(self, daemon: Daemon) -> dict:
        """After its first tick."""
        daemon.wait_until("a tick", lambda: daemon.ctl("status", "--json").returncode == 0)
        return json.loads(daemon.ctl("status", "--json").stdout)

    def check_given_back(self, daemon: Daemon) -> None:
        daemon.notice("READY=1")
        code, log = daemon.stop()
        self.assertEqual(code, 0, log)
        for name, original in self.originals.items():
            self.assertLessEqual(self.lent_kib(name), original, f"{name}\n{log}")

    def test_no_moment_of_a_kill_costs_memory(self):
        self.slow_disk(30)
        lent = 0
        for _ in range(KILLS):
            self.add_domains(NEW_DOMAINS)
            daemon = self.start()
            daemon.notice("READY=1")
            time.sleep(self.random.uniform(0, 0.5))
            daemon.close()
            lent += sum(self.lent_kib(name) == TARGET_KIB for name in self.originals)
        self.assertGreater(lent, 0)
        self.environment = {}
        self.check_given_back(self.start())

    def test_a_slow_disk_delays_lending_and_not_the_loop(self):
        self.slow_disk(1500)
        self.add_domains(NEW_DOMAINS)
        daemon = self.start()
        daemon.notice("READY=1")
        time.sleep(0.7)
        status = self.status(daemon)
        self.assertGreater(status["tick"]["number"], 5)
        self.assertEqual(status["domains"]["constraints"], {"state_unsaved": NEW_DOMAINS})
        self.assertFalse(self.all_lend())
        daemon.wait_until("all lend", self.all_lend)

    def test_settings_outlive_a_kill(self):
        self.add_domains(2)
        daemon = self.start()
        daemon.notice("READY=1")
        daemon.wait_until("all lend", self.all_lend)
        self.assertEqual(daemon.ctl("disable", "g0").returncode, 0)
        daemon.wait_until("it is back", lambda: self.lent_kib("g0") < TARGET_KIB)
        time.sleep(0.3)
        daemon.close()
        daemon = self.start()
        daemon.notice("READY=1")
        daemon.wait_until("a tick", lambda: self.status(daemon)["domains"]["count"] == 2)
        self.assertEqual(self.status(daemon)["runtime_settings"]["domains"], 1)
        self.assertEqual(daemon.ctl("get", "g0", "disable").stdout.strip(), "1")
        self.assertIn("1 domains have settings of their own", daemon.ctl("status").stdout)

    def test_a_state_that_cannot_be_written_stops_lending_and_is_reported(self):
        self.add_domains(1)
        self.state.parent.write_text("no folder")
        daemon = self.start()
        daemon.notice("READY=1")
        daemon.wait_until("a tick", lambda: self.status(daemon)["domains"]["count"] == 1)
        time.sleep(0.3)
        self.assertFalse(self.all_lend())
        self.assertIn("cannot be written", daemon.ctl("status").stdout)
        self.assertIsNotNone(self.status(daemon)["state"]["write_error"])
        self.state.parent.unlink()
        daemon.wait_until("it lends", self.all_lend)  # tried again every five seconds
        self.assertIsNone(self.status(daemon)["state"]["write_error"])

    def test_a_damaged_state_is_moved_aside_and_reported(self):
        self.add_domains(4)
        daemon = self.start()
        daemon.notice("READY=1")
        daemon.wait_until("all lend", self.all_lend)
        time.sleep(0.5)  # the log is moved into the database
        daemon.close()
        whole = self.state.read_bytes()
        at = whole.find(b"g0")  # the name in a row
        self.assertGreater(at, 0)
        self.state.with_name("state.db-wal").unlink(missing_ok=True)
        self.state.write_bytes(whole[:at] + b"G" + whole[at + 1:])
        daemon = self.start()
        daemon.notice("READY=1")
        daemon.wait_until("a tick", lambda: self.status(daemon)["domains"]["count"] == 4)
        self.assertIn("1 of its rows are damaged", self.status(daemon)["state"]["damage"])
        self.assertIn("was damaged", daemon.ctl("status").stdout)
        self.assertTrue(self.state.with_name("state.db.damaged-1").exists())
        code, log = daemon.stop()
        self.assertEqual(code, 0, log)
        # This hypervisor keeps no copy: the other three are whole, and one is reported.
        self.assertEqual([name for name in self.originals
                          if self.lent_kib(name) > self.originals[name]], ["g0"], log)
        self.assertIn("g0: lends 256 MiB, and nothing is known of it", log)


if __name__ == "__main__":
    unittest.main()
