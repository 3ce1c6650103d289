"""A real run, recorded and run again under other policies. BALLAST_RECORD_S=300 is the long form."""

import json
import os
import pathlib
import signal
import subprocess
import time
import unittest

from daemon import Daemon, program
from guest import MIB_KIB
from lab import Lab, host_available_kib, wait_for

ALONE = True  # see run
RECORD_S = int(os.environ.get("BALLAST_RECORD_S", "20"))
# The page is left there, to be looked at.
PAGE_FOLDER = os.environ.get("BALLAST_PAGE_FOLDER")
POLICIES = ("ballast", "mom", "hyperv")
CTL_TIMEOUT_S = 60


def ctl(*arguments) -> str:
    return subprocess.run([program("ballastctl"), *map(str, arguments)], text=True, check=True,
                          stdout=subprocess.PIPE, timeout=CTL_TIMEOUT_S).stdout


class RecordingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab())
        cls.guests = cls.lab.start_guests(["busy", "idle"], free_page_reporting=False)
        for guest in cls.guests:
            guest.check("mkdir -p /mnt/t && mount -t tmpfs -o size=400m tmpfs /mnt/t && "
                        "dd if=/dev/zero of=/mnt/t/file bs=1M count=350 2>/dev/null && "
                        "rm /mnt/t/file")

    def _work(self, seconds: int) -> int:
        """The busy guest fills its memory and empties it again; the most that it used, in KiB."""
        busy, most_kib = self.guests[0], 0
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for part in range(8):
                busy.check(f"dd if=/dev/zero of=/mnt/t/{part} bs=1M count=32 2>/dev/null")
                time.sleep(1)
            most_kib = max(most_kib, busy.memory_kib - busy.meminfo_kib("MemAvailable")
                           - (busy.memory_kib - busy.actual_kib()))
            busy.check("rm /mnt/t/*")
            time.sleep(2)
        return most_kib

    def test_what_a_guest_really_needed_is_run_again_under_three_policies(self):
        reserve_kib = host_available_kib() + 4096 * MIB_KIB
        bus = self.lab.folder / "events"
        daemon = self.enterContext(Daemon(self.lab, policy="ballast", bus=str(bus),
                                          host={"reserve": f"{reserve_kib}KiB"}))
        daemon.wait_settled("busy", "idle")
        recording = self.lab.folder / "run.ballast"
        # It begins while the guests lend. What the policy learned before is in what the bus holds.
        most_kib = self._work(RECORD_S // 2)
        recorder = subprocess.Popen([program("ballastctl"), "record", recording, "--from-oldest",
                                     "--bus", bus], stdout=subprocess.DEVNULL)
        wait_for("it records", recording.exists, 10)
        most_kib = max(most_kib, self._work(RECORD_S // 2))
        time.sleep(2)
        recorder.send_signal(signal.SIGINT)
        self.assertEqual(recorder.wait(timeout=20), 0)

        page = pathlib.Path(PAGE_FOLDER or self.lab.folder) / "replay.html"
        policies = [word for policy in POLICIES for word in ("--policy", policy)]
        told = json.loads(ctl("replay", recording, *policies, "--samples", 200,
                              "--report", page, "--json"))
        self.assertEqual([result["policy"] for result in told["results"]], list(POLICIES))
        self.assertGreater(told["recorded"]["lent_gib_hours"], 0)
        # Under the recorded policy it lends what was lent; under others it does not.
        differs = {result["policy"]: result["reproduction"]["lent_differs_percent"]
                   for result in told["results"]}
        self.assertLess(differs["ballast"], 5)
        self.assertGreater(differs["mom"], 5)
        # The demand is the real one: the busy guest's programs at their most, the idle one's beside.
        # For a moment after a balloon has moved the guest's figures may be those of before.
        demands_kib = sorted(sample["demand_bytes"] / 1024
                             for sample in told["results"][0]["samples"])
        self.assertGreater(demands_kib[-1], most_kib * 0.8)
        self.assertLess(demands_kib[len(demands_kib) * 4 // 5],
                        most_kib + self.guests[1].memory_kib / 2)
        text = page.read_text()
        for part in ("busy", "idle", *POLICIES):
            self.assertIn(part, text)


if __name__ == "__main__":
    unittest.main()
