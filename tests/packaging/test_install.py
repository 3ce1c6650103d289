#!/usr/bin/env python3
"""Installs the build into a temporary root and looks at what a Debian host would get."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PREFIX = os.environ["PREFIX"].strip("/")
CONFIG = os.environ["CONFIG_DIR"].strip("/") + "/ballast.yaml"

FIXED = {
    "sbin/ballastd",
    "bin/ballastctl",
    "lib/systemd/system/ballastd.service",
    "lib/sysusers.d/ballast.conf",
    "lib/tmpfiles.d/ballast.conf",
    "share/man/man1/ballastctl.1",
    "share/man/man5/ballast.yaml.5",
    "share/man/man8/ballastd.8",
    "share/bash-completion/completions/ballastctl",
    "share/doc/ballast/README.md",
    "share/doc/ballast/CHANGELOG.md",
    "share/doc/ballast/LICENSE",
    "share/doc/ballast/openapi.yaml",
    "share/ballast/prometheus/ballast.rules.yml",
    "share/ballast/grafana/ballast.json",
    "share/ballast/libvirt-hook/ballast",
    "include/ballast/module_abi.h",
    "include/ballast/ballast_bus.h",
    "include/ballast/ballast_bus.hpp",
    "include/ballast/ballast_bus_merge.hpp",
    "lib/libballastbus.so",
    "lib/libballastbus.so.1",
    "lib/libballastbus.so.0.1.0",
    "lib/pkgconfig/ballastbus.pc",
    "share/man/man3/libballastbus.3",
    "lib/ballast/backends/libvirt.so",
    "lib/ballast/backends/mock.so",
    "lib/ballast/backends/pseries.so",
}


def run(*command, **options) -> subprocess.CompletedProcess:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command} answered {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


def install(root: pathlib.Path) -> None:
    run(os.environ["CMAKE"], "--install", os.environ["BUILD_DIR"],
        env={**os.environ, "DESTDIR": str(root)})


def seconds(text: str) -> float:
    number, unit = re.fullmatch(r"([0-9.]+)\s*(ms|s|m|min|h)?", text.strip()).groups()
    return float(number) * {"ms": 0.001, None: 1, "s": 1, "m": 60, "min": 60, "h": 3600}[unit]


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.root = pathlib.Path(temporary.name)
        install(cls.root)
        cls.tree = cls.root / PREFIX
        cls.unit = (cls.tree / "lib/systemd/system/ballastd.service").read_text()

    def test_exactly_these_files_are_installed(self) -> None:
        examples = {f"share/doc/ballast/examples/{file.name}"
                    for file in (SOURCE / "config/examples").iterdir()}
        expected = {f"{PREFIX}/{name}" for name in FIXED | examples} | {CONFIG}
        found = {str(file.relative_to(self.root))
                 for file in self.root.rglob("*") if not file.is_dir()}
        self.assertEqual(found, expected)

    def test_only_programs_are_executable(self) -> None:
        for file in self.root.rglob("*"):
            if file.is_file():
                program = (file.name == "ballastd" or file == self.tree / "bin/ballastctl"
                           or file.parent.name == "libvirt-hook")
                self.assertEqual(file.stat().st_mode & 0o777, 0o755 if program else 0o644, file)

    def test_the_example_reader_builds_with_pkg_config(self) -> None:
        pkg_config = {**os.environ, "PKG_CONFIG_SYSROOT_DIR": str(self.root),
                      "PKG_CONFIG_LIBDIR": str(self.tree / "lib/pkgconfig")}
        flags = run("pkg-config", "--cflags", "--libs", "ballastbus", env=pkg_config).stdout.split()
        program = self.root.parent / f"{self.root.name}-follow_bus"
        self.addCleanup(program.unlink)
        if os.environ["SANITIZE"]:  # as the library that it loads
            flags.append(f"-fsanitize={os.environ['SANITIZE']}")
        run(os.environ["CC"], "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-o", program,
            SOURCE / "docs/examples/follow_bus.c", *flags)
        followed = subprocess.run(
            [program, "/no/such/bus"], capture_output=True, text=True, check=False,
            env={**os.environ, "LD_LIBRARY_PATH": str(self.tree / "lib")})
        self.assertEqual(followed.stderr, "/no/such/bus: No such file or directory\n")
        self.assertEqual(followed.returncode, 1)

    def test_an_edited_configuration_survives_the_next_installation(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / CONFIG).parent.mkdir(parents=True)
            (root / CONFIG).write_text("# mine\n")
            install(root)
            self.assertEqual((root / CONFIG).read_text(), "# mine\n")

    def test_the_installed_configuration_is_valid_for_the_installed_daemon(self) -> None:
        run(self.tree / "sbin/ballastd", "--config", self.root / CONFIG, "--check-config")

    def test_the_unit_starts_the_installed_daemon_with_the_installed_configuration(self) -> None:
        self.assertIn(f"\nExecStart=/{PREFIX}/sbin/ballastd --config /{CONFIG}\n", self.unit)

    def test_systemd_accepts_the_unit(self) -> None:
        self.assertIsNotNone(shutil.which("systemd-analyze"), "needs Debian's systemd")
        # systemd looks whether the program exists: shown under its temporary path.
        unit = self.root.parent / f"{self.root.name}-units" / "ballastd.service"
        unit.parent.mkdir()
        self.addCleanup(shutil.rmtree, unit.parent)
        unit.write_text(self.unit.replace(f"=/{PREFIX}", f"={self.tree}"))
        done = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit)
        self.assertEqual(done.stdout + done.stderr, "")

    def test_the_unit_waits_longer_than_the_daemon_waits_for_its_guests(self) -> None:
        configured = re.search(r"stop_timeout:\s*([0-9.]+\w*)", (self.root / CONFIG).read_text())
        default = re.search(r"stop_timeout\s*=\s*std::chrono::seconds\((\d+)\)",
                            (SOURCE / "config/settings.h").read_text())
        patience = seconds((configured or default).group(1))
        limit = seconds(re.search(r"^TimeoutStopSec=(.*)$", self.unit, re.MULTILINE).group(1))
        self.assertGreater(limit, patience)

    def test_the_group_of_unit_and_folders_is_made(self) -> None:
        self.assertIsNotNone(shutil.which("systemd-sysusers"), "needs Debian's systemd")
        with tempfile.TemporaryDirectory() as root:
            (pathlib.Path(root) / "etc").mkdir()
            run("systemd-sysusers", f"--root={root}", self.tree / "lib/sysusers.d/ballast.conf")
            groups = (pathlib.Path(root) / "etc/group").read_text()
        made = {line.split(":")[0] for line in groups.splitlines()}
        used = re.findall(r"^Group=(.*)$", self.unit, re.MULTILINE)
        for line in (self.tree / "lib/tmpfiles.d/ballast.conf").read_text().splitlines():
            if not line.startswith("#"):
                used.append(line.split()[4])
        self.assertEqual(len(used), 3)
        self.assertLessEqual(set(used), made)


if __name__ == "__main__":
    unittest.main()
