#!/usr/bin/env python3
"""Who may do what, and that nobody keeps others from it: modules, clients, reloads, the audit log."""

import contextlib
import ctypes.util
import grp
import http.client
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

from daemon import PATIENCE_SECONDS, DaemonCase

ODD_MODULES = pathlib.Path(os.environ["BALLAST_ODD_MODULES"])


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: pathlib.Path):
        super().__init__("localhost", timeout=PATIENCE_SECONDS)
        self.path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Case(DaemonCase):
    def logged(self, text: str) -> None:
        self.daemon.wait_until(f"log holds {text}", lambda: text in self.daemon.log.read_text())

    def skip(self, why: str) -> None:
        print(f"\nSKIPPED: {self.id()}: {why}", flush=True)  # scripts/test counts these


class Crowd:
    """Clients over TCP that ask again and again, and others that never finish a request."""

    def __init__(self, port: int, looping: int, slow: int):
        self.port = port
        self.ending = threading.Event()
        self.answered = 0
        self.threads = [threading.Thread(target=self.loop, args=(number,))
                        for number in range(looping)]
        self.threads += [threading.Thread(target=self.dribble) for _ in range(slow)]
        for thread in self.threads:
            thread.start()

    def loop(self, number: int) -> None:
        paths = ("/api/v1/attributes/delay", "/api/v1/reservations", "/api/v1/domains",
                 "/api/v1/domains/slow/attributes/min_mem_mb")
        while not self.ending.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                connection.request("GET", paths[number % len(paths)])
                self.answered += connection.getresponse().status == 200
                connection.close()

    def dribble(self) -> None:
        while not self.ending.is_set():
            with contextlib.suppress(OSError):
                with socket.create_connection(("127.0.0.1", self.port), timeout=10) as slow:
                    slow.sendall(b"GET /metrics HTTP/1.1\r\nX-Slow: ")
                    while not self.ending.wait(0.5):
                        slow.sendall(b"x")
            self.ending.wait(0.05)

    def end(self) -> None:
        self.ending.set()
        for thread in self.threads:
            thread.join()


class Clients(Case):
    def test_a_crowd_over_tcp_keeps_nobody_from_writing_and_no_monitor_from_reading(self):
        daemon = self.start()
        crowd = Crowd(daemon.port, looping=30, slow=64)
        self.addCleanup(crowd.end)
        time.sleep(1)
        began = time.monotonic()
        statuses = []
        for number in range(75):
            connection = UnixConnection(daemon.api)
            connection.request("PUT", "/api/v1/attributes/oom_kb",
                               json.dumps({"value": str(1024 + number)}))
            answer = connection.getresponse()
            statuses.append((answer.status, answer.read()))
            connection.close()
            if number % 5 == 0:
                for path in ("/metrics", "/healthz"):
                    self.assertEqual(daemon.ask(path)[0], 200)
        self.assertEqual([status for status in statuses if status[0] != 200], [])
        self.assertGreater(crowd.answered, 0)
        print(f"75 writes and 30 reads took {time.monotonic() - began:.1f} s beside "
              f"{crowd.answered} answers to the crowd", flush=True)

    def test_a_foreign_host_name_is_not_answered(self):
        daemon = self.start()
        for host, status in (("evil.example", 421), ("localhost", 200), ("127.0.0.1:1", 200)):
            connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=10)
            connection.request("GET", "/metrics", headers={"Host": host})
            self.assertEqual(connection.getresponse().status, status, host)
            connection.close()


class Audit(Case):
    def test_changes_reloads_and_stops_are_logged_with_who_asked_for_them(self):
        daemon = self.start()
        who = r"audit: uid=\d+ pid=\d+ "
        self.assertEqual(daemon.ctl("set", "--default", "min_mem_mb", "300").returncode, 0)
        self.assertRegex(daemon.log.read_text(), who +
                         r'change=set_attribute domain=null attribute="min_mem_mb" old="256" new="300"')
        self.assertNotEqual(daemon.ctl("set", "--default", "loaned_kb", "1").returncode, 0)
        self.assertNotIn("loaned_kb", daemon.log.read_text())

        config = self.folder / "ballast.yaml"
        config.write_text(config.read_text()
                          .replace("on_stop: release", "on_stop: keep")
                          .replace("stop_timeout: 30s", "stop_timeout: 31s")
                          .replace("listen:", "metrics: {max_domains: 0}\nlisten:")
                          .replace("min_mem_mb: 256", "min_mem_mb: 128")
                          .replace("name: mock", "name: mock, call_timeout: 5s"))
        daemon.wait_until("the domain is seen",
                          lambda: 'domain="slow"' in daemon.ask("/metrics")[1])
        daemon.process.send_signal(signal.SIGHUP)
        self.assertIn("running; at the next start: backend.call_timeout",
                      daemon.notice("at the next start"))
        log = daemon.log.read_text()
        for key, old, new in (("state.on_stop", "release", "keep"), ("cmm.min_mem_mb", "256", "128"),
                              ("state.stop_timeout", "30s", "31s"), ("metrics.max_domains", "", "0")):
            self.assertRegex(log, who + f'change=reload key="{re.escape(key)}" '
                                        f'old="{old}" new="{new}"')
        self.assertIn("reload: backend.call_timeout: '' -> '5s' takes effect at the next start", log)
        self.assertNotIn('domain="slow"', daemon.ask("/metrics")[1])

        daemon.wait_until_lent(256 << 20)
        code, log = daemon.stop()
        self.assertEqual(code, 0, log)
        self.assertRegex(log, f'{who}change=stop old="running" new="stopping"')
        self.assertNotIn("everything lent is given back", log)  # state.on_stop: keep

    def test_a_pipe_as_configuration_is_refused_at_once(self):
        daemon = self.start()
        config = self.folder / "ballast.yaml"
        text = config.read_text()
        config.unlink()
        os.mkfifo(config)
        daemon.process.send_signal(signal.SIGHUP)
        self.logged("is a pipe, expected a regular file")
        config.unlink()
        config.mkdir()
        daemon.process.send_signal(signal.SIGHUP)
        self.logged("is a directory, expected a regular file")
        config.rmdir()
        config.write_text(text)
        daemon.process.send_signal(signal.SIGHUP)
        self.logged("configuration reloaded")
        os.mkfifo(self.folder / "pipe")
        refused = subprocess.run([os.environ["BALLASTD"], "--config", self.folder / "pipe"],
                                 capture_output=True, text=True, check=False, timeout=10)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("is a pipe, expected a regular file", refused.stderr)


class Modules(Case):
    """The attacks of somebody who may use the socket, but is not root."""

    def load(self, path) -> str:
        answer = self.daemon.ctl("backend", "load", "odd", path)
        self.assertNotEqual(answer.returncode, 0)
        self.assertNotIn("memfd:ballast", self.daemon.maps())
        return answer.stderr

    def trace(self) -> pathlib.Path:
        return self.folder / "constructor-ran"

    def test_only_modules_of_the_directory_are_loaded(self):
        modules = self.folder / "modules"
        modules.mkdir(mode=0o755)
        os.environ["BALLAST_TEST_TRACE"] = str(self.trace())
        self.addCleanup(os.environ.pop, "BALLAST_TEST_TRACE")
        daemon = self.start(backend=f'{{name: mock, module_directory: "{modules}"}}')
        elsewhere = self.folder / "constructor.so"
        shutil.copyfile(ODD_MODULES / "constructor.so", elsewhere)
        expected = f"is not a file directly in {modules}"
        self.assertIn(expected, self.load(elsewhere))
        self.assertIn(expected, self.load(ctypes.util.find_library("m") and
                                          "/usr/lib/x86_64-linux-gnu/libm.so.6"))
        (modules / "link.so").symlink_to(elsewhere)
        self.assertIn("is a symbolic link", self.load(modules / "link.so"))
        shutil.copyfile(ODD_MODULES / "no_symbol.so", modules / "no_symbol.so")
        self.assertIn("lacks the symbol ballast_module", self.load("no_symbol.so"))
        self.assertFalse(self.trace().exists(), "code of a refused file has run")
        # What is right is loaded, by its bare name, too; its constructor leaves its trace.
        shutil.copyfile(ODD_MODULES / "constructor.so", modules / "odd.so")
        answer = daemon.ctl("backend", "load", "odd", "odd.so")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertTrue(self.trace().exists())

    def test_a_root_owned_file_in_an_image_of_ones_own_is_refused(self):
        if os.geteuid() != 0:
            return self.skip("mounting needs root")
        modules = self.folder / "modules"
        modules.mkdir(mode=0o755)
        os.environ["BALLAST_TEST_TRACE"] = str(self.trace())
        self.addCleanup(os.environ.pop, "BALLAST_TEST_TRACE")
        image = self.folder / "image"
        content = self.folder / "content"
        content.mkdir()
        shutil.copyfile(ODD_MODULES / "constructor.so", content / "odd.so")
        made = subprocess.run(["mkfs.ext4", "-q", "-d", content, image, "4M"], capture_output=True,
                              text=True, check=False)
        if made.returncode != 0:
            return self.skip("mkfs.ext4 is not there")
        # As udisks mounts it for a member of the group, and over the directory itself.
        for place in (self.folder / "media", modules):
            place.mkdir(exist_ok=True)
            mounted = subprocess.run(["mount", "-o", "loop,nosuid,noexec,ro", image, place],
                                     capture_output=True, text=True, check=False)
            if mounted.returncode != 0:
                return self.skip(f"no loop device: {mounted.stderr.strip()}")
            self.addCleanup(subprocess.run, ["umount", place], check=False)
        self.start(backend=f'{{name: mock, module_directory: "{modules}"}}')
        self.assertIn("is not a file directly in", self.load(self.folder / "media/odd.so"))
        self.assertIn("is on a file system mounted noexec", self.load(modules / "odd.so"))
        self.assertFalse(self.trace().exists(), "code of a refused file has run")

    def test_a_member_of_the_group_gets_no_further_than_root_allows(self):
        if os.geteuid() != 0:
            return self.skip("taking another user's place needs root")
        group = grp.getgrgid(pwd.getpwnam("daemon").pw_gid)
        modules = self.folder / "modules"
        modules.mkdir(mode=0o755)
        os.environ["BALLAST_TEST_TRACE"] = str(self.trace())
        self.addCleanup(os.environ.pop, "BALLAST_TEST_TRACE")
        self.start(backend=f'{{name: mock, module_directory: "{modules}"}}', api_group=group.gr_name)
        self.folder.chmod(0o711)
        own = self.folder / "own"
        own.mkdir()
        shutil.copyfile(ODD_MODULES / "constructor.so", own / "odd.so")
        os.chown(own, 65534, 65534)
        for extra, status in (([], 403), ([group.gr_gid], 403)):
            code = ("import http.client, socket, json, sys\n"
                    "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
                    "c = http.client.HTTPConnection('localhost'); c.sock = s\n"
                    "c.request('POST', '/api/v1/backends/odd/load', json.dumps({'path': sys.argv[2]}))\n"
                    "a = c.getresponse(); print(a.status, a.read().decode())\n")
            asked = subprocess.run(["python3", "-c", code, self.daemon.api, own / "odd.so"],
                                   capture_output=True, text=True, check=False, user=65534,
                                   group=65534, extra_groups=extra)
            if extra:
                # The kernel's word counts: this group is in no user database.
                self.assertIn(str(status), asked.stdout, asked.stderr)
                self.assertIn("is not a file directly in", asked.stdout)
            else:
                self.assertIn("PermissionError", asked.stderr)  # not even to the socket
        self.assertFalse(self.trace().exists(), "code of a refused file has run")


if __name__ == "__main__":
    unittest.main()
