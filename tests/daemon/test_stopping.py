#!/usr/bin/env python3
"""What a stopping daemon tells its service manager and those who ask it."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

PATIENCE_SECONDS = 60  # for a loaded machine; nothing here takes long

# A guest that lends 256 MiB at once and gives them back at 128 MiB a second.
CONFIG = """
mode: simulate
cmm: {{delay: 1s, min_mem_mb: 256, simulate_loan_target_kb: 262144}}
backend: {{name: mock}}
policy: {{name: fixed}}
listen: {{http: "{http}", api: "{api}"}}
state: {{on_stop: release, stop_timeout: {stop_timeout}}}
scenario:
  description: "A guest whose balloon takes its time."
  duration: 1h
  domains:
    - {{name: slow, memory: 2GiB, page: 4KiB, used: 300MiB, speed: 128MiB}}
  events: {events}
"""


class Daemon:
    def __init__(self, folder: pathlib.Path, activated: bool = False, events: str = "[]",
                 stop_timeout: str = "30s"):
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notices.bind(str(folder / "notify"))
        self.notices.settimeout(1)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        if not activated:
            self.listener.close()  # its port is free now
        config = folder / "ballast.yaml"
        config.write_text(CONFIG.format(
            http="" if activated else f"127.0.0.1:{self.port}", api=folder / "api.sock",
            events=events, stop_timeout=stop_timeout))
        command = [os.environ["BALLASTD"], "--config", str(config)]
        environment = {**os.environ, "NOTIFY_SOCKET": str(folder / "notify")}
        passed = ()
        if activated:
            # As systemd passes it: descriptor 3, and who it is meant for.
            command = ["sh", "-c", f'exec 3<&{self.listener.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"',
                       "sh", *command]
            passed = (self.listener.fileno(),)
        self.process = subprocess.Popen(command, env=environment, pass_fds=passed,
                                        stderr=subprocess.PIPE, text=True)

    def notice(self, wanted: str) -> str:
        """The next notice that holds `wanted`."""
        text = ""
        while wanted not in text:
            try:
                text = self.notices.recv(4096).decode()
            except TimeoutError:
                assert self.process.poll() is None, self.end()
        return text

    def ask(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}",
                                        timeout=PATIENCE_SECONDS) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def wait_until_lent(self, least_bytes: int) -> None:
        for _ in range(PATIENCE_SECONDS * 10):
            found = re.search(r"^ballast_host_loaned_bytes (\S+)$", self.ask("/metrics")[1], re.M)
            if found and float(found[1]) >= least_bytes:
                return
            time.sleep(0.1)
        raise AssertionError("the domain never lent")

    def end(self) -> tuple[int, str]:
        _, errors = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode, errors

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.communicate()
        self.notices.close()
        self.listener.close()


class Stopping(unittest.TestCase):
    def start(self, **options) -> Daemon:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        daemon = Daemon(pathlib.Path(folder.name), **options)
        self.addCleanup(daemon.close)
        daemon.notice("READY=1")
        return daemon

    def test_is_not_ready_but_healthy_while_it_gives_back_and_asks_for_patience(self):
        daemon = self.start()
        daemon.wait_until_lent(256 << 20)
        daemon.process.send_signal(signal.SIGTERM)
        notice = daemon.notice("STOPPING=1")
        self.assertRegex(notice, r"EXTEND_TIMEOUT_USEC=[1-9]\d{6,}\n")
        self.assertRegex(notice, r"STATUS=giving back what was lent: \d+ MiB to go")
        self.assertEqual(daemon.ask("/readyz"), (503, "stopping: giving back what was lent\n"))
        self.assertEqual(daemon.ask("/healthz"), (200, "ok: stopping\n"))
        daemon.notice("STOPPING=1")  # again, as it takes longer than a second
        code, errors = daemon.end()
        self.assertEqual(code, 0, errors)
        self.assertIn("everything lent is given back", errors)

    def test_says_what_guests_kept_when_its_patience_ends(self):
        daemon = self.start(events="[{at: 4s, do: driver_gone, domain: slow, lasts: 1h}]",
                            stop_timeout="1s")
        daemon.wait_until_lent(256 << 20)
        time.sleep(3)  # the driver goes at 4 s
        daemon.process.send_signal(signal.SIGTERM)
        code, errors = daemon.end()
        self.assertEqual(code, 1)
        self.assertIn("256 MiB were not taken back by their guests within 1s", errors)

    def test_serves_on_a_socket_that_the_service_manager_passes(self):
        daemon = self.start(activated=True)
        daemon.wait_until_lent(1)
        daemon.process.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.end()[0], 0)


if __name__ == "__main__":
    unittest.main()
