"""A domain whose memory cgroup is smaller than its memory."""

import pathlib
import unittest

from daemon import Daemon
from guest import MIB_KIB
from lab import Lab, wait_for

LIMIT_MIB = 560
V1 = pathlib.Path("/sys/fs/cgroup/memory")
V2 = pathlib.Path("/sys/fs/cgroup")


def _make_cgroup(name: str, limit_bytes: int) -> pathlib.Path | None:
    """A memory cgroup, of v1 or v2; None where none can be had."""
    v1 = V1.is_dir()
    folder = (V1 if v1 else V2) / name
    try:
        folder.mkdir(exist_ok=True)
        (folder / ("memory.limit_in_bytes" if v1 else "memory.max")).write_text(str(limit_bytes))
    except OSError:
        return None
    return folder


class MemoryLimitTest(unittest.TestCase):
    def test_it_is_given_no_more_than_its_cgroup_can_hold(self):
        folder = _make_cgroup(f"ballast-test-{id(self)}", LIMIT_MIB * MIB_KIB * 1024)
        if folder is None:
            self.skipTest("no memory cgroup can be made here")
        with Lab() as lab:
            guest = lab.start_guest("g", memory_mib=768)
            lab.virsh("setmem", "g", f"{320 * MIB_KIB}", "--live")
            wait_for("its size", lambda: guest.actual_kib() == 320 * MIB_KIB, 30)
            for process in pathlib.Path("/proc").glob("[0-9]*"):
                try:
                    if f"-uuid\0{guest.uuid}".encode() in (process / "cmdline").read_bytes():
                        (folder / "cgroup.procs").write_text(process.name)
                except OSError:
                    continue  # it has gone
            with Daemon(lab) as daemon:
                daemon.wait_settled("g")
                limit = wait_for("the limit", lambda: daemon.domain("g")["limit_bytes"], 10)
                self.assertGreater(limit, 320 * MIB_KIB * 1024)
                self.assertLess(limit, LIMIT_MIB * MIB_KIB * 1024)
                daemon.ctl("set", "g", "simulate_loan_target_kb", 0)
                wait_for("it is given that much",
                         lambda: daemon.domain("g")["memory_bytes"] == limit, 30)
                wait_for("it is bound",
                         lambda: daemon.domain("g")["constraint"] == "memory_limit", 5)
                self.assertIn("memory cgroup", daemon.ctl("explain", "g"))
        folder.rmdir()


if __name__ == "__main__":
    unittest.main()
