"""A private libvirtd with real guests, for one test run; nothing of it outlives the process.

The lab runs in its own mount and PID namespaces: libvirtd finds its usual folders, which are
folders of ours, and when the lab's first process ends the kernel ends libvirtd and every guest.
"""

import atexit
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

import image
from guest import Guest

TOOLS = ["unshare", "nsenter", "setpriv", "mount", "libvirtd", "virsh", "qemu-system-x86_64",
         "apt-get", "dpkg-deb"]
# Where libvirtd of root keeps its things; each is covered by a folder of the lab.
FOLDERS = {
    "etc": "/etc/libvirt",
    "run": "/run/libvirt",
    "lib": "/var/lib/libvirt",
    "log": "/var/log/libvirt",
    "cache": "/var/cache/libvirt",
}
# libvirtd looks up its default user before it reads that we want another; only its Debian package
# libvirt-daemon-system, which we do without, creates that user.
ACCOUNTS = {"passwd": "/etc/passwd", "group": "/etc/group"}
QEMU_USER = "libvirt-qemu"
# The first process of a PID namespace inherits orphans (guests are daemons): with SIGCHLD ignored
# the kernel reaps them.
FIRST_PROCESS = "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN); signal.pause()"
START_TIMEOUT_S = 30


def missing_requirements() -> list[str]:
    """What keeps the lab from running here; empty if it can."""
    missing = [f"{tool} (not in PATH)" for tool in TOOLS if shutil.which(tool) is None]
    if os.geteuid() != 0:
        missing.append("root (namespaces, libvirtd)")
    return missing


def _meminfo_kib(field: str) -> int:
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    raise RuntimeError(f"no {field}")


def host_available_kib() -> int:
    return _meminfo_kib("MemAvailable")


def host_total_kib() -> int:
    return _meminfo_kib("MemTotal")


def wait_for(what: str, check, timeout_s: float, interval_s: float = 0.05):
    """The first truthy answer of `check`; fails with `what` when time is up."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise TimeoutError(f"not within {timeout_s} s: {what}")
        time.sleep(interval_s)


class Lab:
    """Use as a context manager."""

    def __init__(self):
        missing = missing_requirements()
        if missing:
            raise RuntimeError("the guest lab needs: " + ", ".join(missing))
        self.image = image.build(image.cache_folder())
        # Short: the path of a Unix socket has 108 bytes at most.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bl-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.uri = f"qemu+unix:///system?socket={self.folder}/run/libvirt-sock"
        self.guests = {}
        self._holder = None
        self._libvirtd = None

    def __enter__(self) -> "Lab":
        # unittest runs no clean-up on Ctrl-C.
        atexit.register(self.close)
        try:
            self._write_configuration()
            self._start_namespaces()
            self.start_libvirtd()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        """Ends everything in the lab and removes its folder. Idempotent."""
        atexit.unregister(self.close)
        for guest in self.guests.values():
            guest.close()
        self.guests.clear()
        if self._holder is not None:
            # unshare --kill-child takes the first process along, and that everything else.
            self._holder.kill()
            self._holder.wait()
        if self._libvirtd is not None:
            self._libvirtd.wait()
        self._holder = self._libvirtd = None
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- libvirtd

    def start_libvirtd(self) -> None:
        log = open(self.folder / "libvirtd.out", "ab")
        with log:
            self._libvirtd = subprocess.Popen(
                ["nsenter", "--mount", "--pid", "--root", f"--target={self._first_pid}", "libvirtd",
                 "--config", "/etc/libvirt/libvirtd.conf",
                 "--pid-file", "/run/libvirt/libvirtd.pid"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def ready():
            if self._libvirtd.poll() is not None:
                raise RuntimeError(f"libvirtd ended:\n{self.libvirtd_log()}")
            return self.virsh("version", check=False) is not None

        wait_for("libvirtd answers", ready, START_TIMEOUT_S)

    def stop_libvirtd(self) -> None:
        """Guests go on without it."""
        self._end_libvirtd(signal.SIGTERM)

    def kill_libvirtd(self) -> None:
        """The same, at once."""
        self._end_libvirtd(signal.SIGKILL)

    def signal_libvirtd(self, which: signal.Signals) -> None:
        # nsenter forked libvirtd into the namespace; it is the one child of nsenter.
        children = pathlib.Path(f"/proc/{self._libvirtd.pid}/task/{self._libvirtd.pid}/children")
        os.kill(int(children.read_text().split()[0]), which)
        if which == signal.SIGCONT:
            self._libvirtd.send_signal(which)  # it stops along with its child

    def _end_libvirtd(self, how: signal.Signals) -> None:
        self.signal_libvirtd(how)
        self._libvirtd.wait(timeout=START_TIMEOUT_S)

    def libvirtd_log(self) -> str:
        return (self.folder / "libvirtd.out").read_text(errors="replace")

    def virsh(self, *arguments, check=True) -> str | None:
        """Standard output; with check=False None if the command failed."""
        result = subprocess.run(
            ["virsh", "-q", "-c", self.uri, *map(str, arguments)], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
        if result.returncode != 0:
            if not check:
                return None
            raise RuntimeError(f"virsh {' '.join(map(str, arguments))}: {result.stderr.strip()}")
        return result.stdout

    # --- guests

    def start_guest(self, name: str, **options) -> Guest:
        """Boots a guest and waits for its channel; see Guest for the options."""
        return self.start_guests([name], **options)[0]

    def start_guests(self, names: list[str], **options) -> list[Guest]:
        """The same for several, booting side by side."""
        started = []
        for name in names:
            guest = Guest(self, name, **options)
            self.guests[name] = guest
            guest.start()
            started.append(guest)
        for guest in started:
            guest.wait_ready()
        return started

    def start_paused_guest(self, name: str, **options) -> None:
        """One that never runs: cheap, and its QEMU is there."""
        Guest(self, name, **options).start_paused()

    def migrate(self, name: str, target: "Lab") -> None:
        """Live, to another lab."""
        self.virsh("migrate", "--live", "--unsafe", name, target.uri,
                   "--migrateuri", "tcp://127.0.0.1:49300")

    def contains(self, process: pathlib.Path) -> bool:
        """Whether a folder of /proc is that of a process of the lab."""
        first = pathlib.Path(f"/proc/{self._first_pid}")
        return os.readlink(process / "ns" / "pid") == os.readlink(first / "ns" / "pid")

    # --- inner workings

    def _write_configuration(self) -> None:
        for name in FOLDERS:
            (self.folder / name).mkdir()
        (self.folder / "etc" / "libvirtd.conf").write_text(
            f'host_uuid = "{uuid.uuid4()}"\n'
            'auth_unix_rw = "none"\n'
            'log_outputs = "3:stderr"\n')
        (self.folder / "etc" / "qemu.conf").write_text(
            'user = "root"\n'
            'group = "root"\n'
            'security_driver = "none"\n'
            'stdio_handler = "file"\n'
            "remember_owner = 0\n"
            "namespaces = []\n"
            "cgroup_controllers = []\n")
        self._write_account("passwd", f"{QEMU_USER}:x:64055:64055::/nonexistent:/bin/false")
        self._write_account("group", f"{QEMU_USER}:x:64055:")

    def _write_account(self, name: str, line: str) -> None:
        """Our copy of the host's file, with libvirt's user in it."""
        lines = pathlib.Path(ACCOUNTS[name]).read_text().splitlines()
        if not any(known.startswith(f"{QEMU_USER}:") for known in lines):
            lines.append(line)
        (self.folder / name).write_text("\n".join(lines) + "\n")

    def _start_namespaces(self) -> None:
        for path in FOLDERS.values():
            pathlib.Path(path).mkdir(parents=True, exist_ok=True)
        mounts = "".join(f"mount --bind '{self.folder}/{name}' {path}; "
                         for name, path in (FOLDERS | ACCOUNTS).items())
        # A KVM may open and then hang what runs on it: a read-only file is none to libvirtd (a
        # device would not do: it would look usable, and be probed for again and again).
        if pathlib.Path("/dev/kvm").exists():
            (self.folder / "kvm").touch()
            mounts += (f"mount --bind '{self.folder}/kvm' /dev/kvm; "
                       "mount -o remount,bind,ro /dev/kvm; ")
        script = (f"set -e; {mounts} touch '{self.folder}/mounted'; "
                  f"exec '{sys.executable}' -c '{FIRST_PROCESS}'")
        self._holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL",
             "unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--mount-proc",
             "--kill-child=KILL", "sh", "-c", script],
            stdin=subprocess.DEVNULL)

        def mounted():
            if self._holder.poll() is not None:
                raise RuntimeError("cannot make namespaces: CAP_SYS_ADMIN is needed")
            return (self.folder / "mounted").exists()

        wait_for("the lab's mounts", mounted, START_TIMEOUT_S)
        children = pathlib.Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children")
        self._first_pid = int(children.read_text().split()[0])
