"""ballastd and ballastctl as users run them."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

from lab import wait_for

START_TIMEOUT_S = 20
STOP_TIMEOUT_S = 40
CTL_TIMEOUT_S = 20


def program(name: str) -> pathlib.Path:
    """ballastd, ballastctl or a module in the folder that BALLAST_BIN names: a build folder, or one that
    holds both."""
    folder = os.environ.get("BALLAST_BIN")
    if not folder:
        raise RuntimeError("BALLAST_BIN is not set: the folder of ballastd and ballastctl")
    for part in ("", "controller", "ctl", "modules"):
        path = pathlib.Path(folder) / part / name
        if path.is_file() and os.access(path, os.X_OK):
            return path.resolve()
    raise RuntimeError(f"no {name} in {folder}: build it first")


class Refused(Exception):
    """ballastctl did not do it."""

    def __init__(self, status: int, message: str):
        super().__init__(f"exit status {status}: {message}")
        self.status = status
        self.message = message


class Daemon:
    """Runs against a lab's libvirtd, or those of `uris`. `cmm` is that section of the configuration, `guests` and
    `host` those of their names, `policy` the policy's name, `bus` the
    event bus's file. Use as a context manager: whatever happens, the daemon is gone afterwards."""

    def __init__(self, lab, guests=None, host=None, environment=None, uris=None,
                 policy="fixed", bus="", **cmm):
        # Its own folder: several daemons follow each other in one lab.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ballastd-", dir=lab.folder))
        self._socket = self.folder / "api.sock"
        self._log = self.folder / "log"
        self._config = self.folder / "ballast.yaml"
        # JSON is YAML too.
        self._config.write_text(json.dumps({
            "mode": "live",
            "cmm": {"delay": 1, "min_mem_mb": 64, **cmm},
            "backend": {"name": "libvirt", "uri": uris or lab.uri,
                        "module_directory": str(self.folder)},
            "policy": {"name": policy},
            "guests": guests or {},
            "host": host or {},
            "listen": {"http": "", "api": str(self._socket)},
            "bus": {"path": bus},
            "state": {"path": str(self.folder / "state.db")},
        }))
        self._process = None
        self._environment = environment

    def __enter__(self) -> "Daemon":
        self.start()
        return self

    def start(self) -> None:
        """Also again, with the same configuration and state."""
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                [program("ballastd"), "--config", self._config],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment)
        try:
            wait_for("ballastd observes", self._observes, START_TIMEOUT_S)
        except BaseException:
            self.__exit__()
            raise

    def kill(self) -> None:
        """As the kernel does it when memory is short: at once."""
        self._process.kill()
        self._process.wait()

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=STOP_TIMEOUT_S)

    def maps(self) -> str:
        """What the process has mapped."""
        return pathlib.Path(f"/proc/{self._process.pid}/maps").read_text()

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def ctl(self, *arguments) -> str:
        """Standard output of ballastctl; raises Refused if it fails."""
        result = subprocess.run(
            [program("ballastctl"), "--api", self._socket, *map(str, arguments)], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=CTL_TIMEOUT_S, check=False)
        if result.returncode != 0:
            raise Refused(result.returncode, result.stderr.strip())
        return result.stdout

    def status(self) -> dict:
        return json.loads(self.ctl("status", "--json"))

    def domains(self) -> tuple[int, dict[str, dict]]:
        """Number of the last tick, and its domains by name."""
        answer = json.loads(self.ctl("domains", "--json"))
        return answer["tick"], {domain["name"]: domain for domain in answer["domains"]}

    def domain(self, name: str) -> dict:
        return self.domains()[1][name]

    def tick(self) -> int:
        return self.domains()[0]

    def next_tick(self) -> int:
        """Waits for a tick to end; the whole delay lies ahead then."""
        before = self.tick()
        return wait_for("a tick", lambda: self.tick() > before and self.tick(), 5, 0.02)

    def longest_tick_s(self, seconds: float) -> float:
        """The longest time without a tick, of so many seconds."""
        end = time.monotonic() + seconds
        last, longest, number = time.monotonic(), 0.0, self.tick()
        while time.monotonic() < end:
            now = self.tick()
            if now != number:
                longest = max(longest, time.monotonic() - last)
                last, number = time.monotonic(), now
            time.sleep(0.02)
        return max(longest, time.monotonic() - last)

    def wait_settled(self, *names: str) -> None:
        """Until the named domains are there and past their start."""
        wait_for("domains known", lambda: all(
            name in (known := self.domains()[1]) and "starting" not in known[name]["flags"]
            for name in names), 30)

    def credit_kib(self, name: str) -> int:
        return int(self.ctl("get", name, "oom_freed_kb"))

    def _observes(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"ballastd ended:\n{self.log()}")
        try:
            return self.status()["backend"]["up"]
        except Refused:
            return False
