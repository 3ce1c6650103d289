#!/usr/bin/env python3
"""Backends come, are replaced and go while the daemon runs; bad ones stay outside."""

import json
import os
import pathlib
import shutil
import unittest

from daemon import Daemon, DaemonCase

MODULES = pathlib.Path(os.environ["BALLAST_MODULES"])
ODD_MODULES = pathlib.Path(os.environ["BALLAST_ODD_MODULES"])
LENT = 256 << 20


class Backends(DaemonCase):
    def module(self, name: str, source: pathlib.Path = ODD_MODULES) -> pathlib.Path:
        """A copy that only this user can write."""
        copy = self.folder / f"{name}.so"
        shutil.copyfile(source / f"{name}.so", copy)
        copy.chmod(0o755)
        return copy

    def backends(self) -> dict:
        answer = self.daemon.ctl("backend", "list", "--json")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        return {entry["name"]: entry for entry in json.loads(answer.stdout)["backends"]}

    def backend(self, *arguments, status: int = 0) -> str:
        answer = self.daemon.ctl("backend", *arguments)
        self.assertEqual(answer.returncode, status, answer.stdout + answer.stderr)
        return answer.stderr.strip()

    def lent(self) -> float:
        return self.daemon.metric("ballast_host_loaned_bytes")

    def test_a_module_takes_over_with_the_loans_and_goes_again(self):
        daemon = self.start()
        daemon.wait_until_lent(LENT)
        self.backend("load", "mock", self.module("mock", MODULES))
        self.assertIn("memfd:ballast-mock", daemon.maps())
        self.assertEqual(self.lent(), LENT)
        self.assertTrue(self.backends()["mock"]["path"].endswith("mock.so"))
        self.backend("load", "mock")
        self.assertNotIn("memfd:ballast", daemon.maps())
        self.assertEqual(self.lent(), LENT)
        self.assertEqual(daemon.metric("ballast_host_deflated_bytes_total"), 0)
        self.assertEqual(daemon.metric("ballast_backend_unloads_total"), 2)

    def test_a_backend_that_works_is_not_unloaded_without_waiting(self):
        self.start().wait_until_lent(LENT)
        said = self.backend("unload", "mock", "--nonblock", status=4)
        self.assertIn("the control loop works with it: backend 'mock' is in use by 1", said)
        self.assertEqual(self.lent(), LENT)

    def test_unloading_returns_the_loans_first_and_another_backend_can_come(self):
        daemon = self.start()
        daemon.wait_until_lent(LENT)
        self.backend("unload", "mock")
        self.assertEqual(self.backends(), {})
        self.assertEqual(daemon.metric("ballast_host_deflated_bytes_total"), LENT)
        daemon.wait_until("the backend is down", lambda: daemon.metric("ballast_backend_up") == 0)
        self.backend("load", "mock", self.module("mock", MODULES))
        daemon.wait_until_lent(LENT)

    def test_loans_can_be_left_to_the_backend_that_comes_next(self):
        daemon = self.start()
        daemon.wait_until_lent(LENT)
        self.backend("unload", "mock", "--keep-loans")
        self.assertEqual(daemon.metric("ballast_host_deflated_bytes_total"), 0)
        self.assertEqual(daemon.ask("/readyz"), (503, "no backend is loaded\n"))
        self.backend("load", "mock")
        daemon.wait_until("it is up", lambda: daemon.metric("ballast_backend_up") == 1)
        self.assertEqual(self.lent(), LENT)
        self.backend("unload", "mock", "--keep-loans")
        code, log = daemon.stop()
        self.assertEqual(code, 1)
        self.assertIn("256 MiB stay lent: no backend is loaded", log)

    def test_a_backend_whose_guests_give_nothing_back_goes_on(self):
        daemon = self.start(events="[{at: 3s, do: driver_gone, domain: slow, lasts: 1h}]")
        daemon.wait_until_lent(LENT)
        daemon.wait_until("the driver is gone", lambda: "no_driver" in daemon.ctl(
            "domains", "--json").stdout)
        said = self.backend("unload", "mock", "--timeout", "1s", status=1)
        self.assertIn("the backend goes on: 256 MiB are still lent after 1s", said)
        self.assertEqual(self.backends()["mock"]["state"], "live")

    def test_bad_modules_are_refused_and_the_daemon_goes_on(self):
        daemon = self.start()
        daemon.wait_until_lent(LENT)
        for name, complaint in {
                "crash": "crashed in create (SIGABRT)",
                "old_version": "built for version 0 of the module interface, expected 1",
                "no_symbol": "lacks the symbol ballast_module",
                "no_apply": "lacks the function 'apply'",
                "odd_size": "impossible figures of domain 'only'",
        }.items():
            with self.subTest(name):
                self.assertIn(complaint, self.backend("load", "odd", self.module(name), status=1))
        self.assertIn("No such file", self.backend("load", "odd", "nowhere.so", status=1))
        open_module = self.module("odd")
        open_module.chmod(0o777)
        self.assertIn("can be written by others", self.backend("load", "odd", open_module, status=4))
        self.assertEqual(list(self.backends()), ["mock"])
        self.assertEqual(self.lent(), LENT)
        self.assertNotIn("memfd:ballast", daemon.maps())

    def test_a_second_backend_stands_by_unused(self):
        self.start()
        self.backend("load", "odd", self.module("odd"))
        listed = self.backends()
        self.assertEqual((listed["odd"]["users"], listed["odd"]["in_charge"]), (0, False))
        self.assertEqual((listed["mock"]["users"], listed["mock"]["in_charge"]), (1, True))
        self.backend("unload", "odd", "--nonblock")
        self.assertEqual(list(self.backends()), ["mock"])

    def test_a_new_one_takes_the_place_of_one_that_stands_by(self):
        self.start()
        for _ in range(2):
            self.backend("load", "odd", self.module("odd"))
        self.assertEqual(len(json.loads(self.daemon.ctl("backend", "list", "--json").stdout)
                             ["backends"]), 2)

    def test_a_trial_uses_the_settings_of_the_name(self):
        module = self.module("odd")
        self.start(backend=f'{{name: odd, module: "{module}", settings: {{level: 3}}}}')
        self.backend("load", "other", self.module("fail_in_apply"))
        self.backend("load", "odd", self.module("odd"))

    def test_a_module_that_leaves_the_process_does_not_pass(self):
        self.start()
        said = self.backend("load", "odd", self.module("leave"), status=1)
        self.assertIn("it ended the process in create (exit status 0)", said)

    def test_a_backend_that_is_locked_down_stays(self):
        self.start()
        self.backend("lockdown", "mock")
        for command in (["unload", "mock"], ["load", "mock"], ["unload", "mock", "--nonblock"]):
            self.assertIn("locked down for good", self.backend(*command, status=4))
        self.assertTrue(self.backends()["mock"]["permanent"])

    def test_force_has_to_be_allowed(self):
        self.start()
        self.assertIn("backend.force_unload", self.backend("unload", "mock", "--force", status=4))

    def test_a_call_that_hangs_is_reported_and_the_module_can_be_forced_out(self):
        module = self.module("hang_later")
        daemon = self.start(backend=f'{{name: odd, module: "{module}", call_timeout: 1s, '
                                    'force_unload: true}')
        daemon.wait_until("the hang is seen", lambda: "observe of backend 'odd' has not returned "
                          "for 1s" in daemon.log.read_text())
        self.assertGreater(daemon.metric("ballast_backend_call_running_seconds"), 1)
        self.assertEqual(self.backends()["odd"]["running_call"], "observe")
        self.backend("unload", "odd", "--force")
        self.assertTrue(self.backends()["odd"]["tainted"])
        self.assertIn("memfd:ballast-odd", daemon.maps())

    def test_settings_of_a_module_are_checked(self):
        module = self.module("odd")
        daemon = Daemon(self.folder, backend=f'{{name: odd, module: "{module}", '
                                             'settings: {level: 10, colour: blue}}')
        self.addCleanup(daemon.close)
        code, log = daemon.end()
        self.assertEqual(code, 1)
        self.assertIn("'level' is 10, expected 1 to 9; 'colour' is unknown; known: behaviour, level, "
                      "flag", log)


if __name__ == "__main__":
    unittest.main()
