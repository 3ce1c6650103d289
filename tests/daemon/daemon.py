"""ballastd as a process, with a simulated hypervisor."""

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
cmm: {{delay: {delay}, min_mem_mb: 256, simulate_loan_target_kb: 262144}}
backend: {backend}
policy: {{name: fixed}}
listen: {{http: "{http}", api: "{api}", api_group: "{api_group}"}}
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
                 stop_timeout: str = "30s", backend: str = "{name: mock}", delay: str = "1s",
                 api_group: str = "", text: str | None = None,
                 environment: dict[str, str] | None = None):
        self.folder = folder
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notices.bind(str(folder / "notify"))
        self.notices.settimeout(1)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        if not activated:
            self.listener.close()  # its port is free now
        if "module_directory" not in backend:
            backend = backend.replace("{", f'{{module_directory: "{folder}", ', 1)
        config = folder / "ballast.yaml"
        self.api = folder / "api.sock"
        if text is not None:
            self.api = pathlib.Path(re.search(r"api: ([^\s}]+)", text)[1])
        config.write_text(text or CONFIG.format(
            http="" if activated else f"127.0.0.1:{self.port}", api=self.api, events=events,
            stop_timeout=stop_timeout, backend=backend, delay=delay, api_group=api_group))
        command = [os.environ["BALLASTD"], "--config", str(config)]
        environment = {**os.environ, "NOTIFY_SOCKET": str(folder / "notify"),
                       **(environment or {})}
        passed = ()
        if activated:
            # As systemd passes it: descriptor 3, and who it is meant for.
            command = ["sh", "-c",
                       f'exec 3<&{self.listener.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"',
                       "sh", *command]
            passed = (self.listener.fileno(),)
        self.log = folder / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, env=environment, pass_fds=passed, stderr=log)

    def notice(self, wanted: str) -> str:
        """The next notice to the service manager that holds `wanted`."""
        text = ""
        while wanted not in text:
            try:
                text = self.notices.recv(4096).decode()
            except TimeoutError:
                assert self.process.poll() is None, self.log.read_text()
        return text

    def ask(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}",
                                        timeout=PATIENCE_SECONDS) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metric(self, name: str) -> float:
        found = re.search(rf"^{name} (\S+)$", self.ask("/metrics")[1], re.M)
        return float(found[1]) if found else -1

    def wait_until(self, what: str, holds) -> None:
        for _ in range(PATIENCE_SECONDS * 10):
            if holds():
                return
            time.sleep(0.1)
        raise AssertionError(f"never: {what}\n{self.log.read_text()}")

    def wait_until_lent(self, least_bytes: int) -> None:
        self.wait_until(f"{least_bytes} bytes lent",
                        lambda: self.metric("ballast_host_loaned_bytes") >= least_bytes)

    def ctl(self, *arguments) -> subprocess.CompletedProcess:
        return subprocess.run(
            [os.environ["BALLASTCTL"], "--api", str(self.api), *map(str, arguments)],
            capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)

    def maps(self) -> str:
        return pathlib.Path(f"/proc/{self.process.pid}/maps").read_text()

    def stop(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGTERM)
        return self.end()

    def end(self) -> tuple[int, str]:
        """Waits for it; its exit status and its log."""
        code = self.process.wait(timeout=PATIENCE_SECONDS)
        return code, self.log.read_text()

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        self.notices.close()
        self.listener.close()


class DaemonCase(unittest.TestCase):
    """A test with a folder of its own, and daemons that end with it."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def start(self, **options) -> Daemon:
        self.daemon = Daemon(self.folder, **{"delay": "100ms", **options})
        self.addCleanup(self.daemon.close)
        self.daemon.notice("READY=1")
        return self.daemon
