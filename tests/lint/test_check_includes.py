#!/usr/bin/env python3
"""Breaks each rule of check_includes.py in a tree of its own and expects the refusal."""

import pathlib
import unittest

import lint_tree

CHECK = pathlib.Path(__file__).resolve().parent / "check_includes.py"


def check(files: dict[str, str]) -> tuple[int, list[str]]:
    """Exit status and printed lines for a tree of these files."""
    status, printed = lint_tree.check(CHECK, files)
    return status, printed.splitlines()


class CheckIncludes(unittest.TestCase):
    def accepted(self, path: str, text: str):
        self.assertEqual(check({path: text}), (0, []), f"{path}: {text}")

    def refused(self, path: str, text: str, line: int = 1):
        status, printed = check({path: text})
        self.assertEqual(status, 1, f"{path}: {text}")
        self.assertEqual(len(printed), 1, printed)
        self.assertTrue(printed[0].startswith(f"{path}:{line}: "), printed[0])

    def test_a_folder_may_include_itself_and_those_before_it(self):
        for folder, target in [("base", "base"), ("model", "base"), ("policy", "model"),
                               ("hv_backends", "sim"), ("config", "model"), ("sim", "model"),
                               ("bus", "model"), ("controller", "hv_backends"),
                               ("controller", "policy"), ("controller", "config"),
                               ("controller", "sim"), ("controller", "bus"), ("ctl", "controller"),
                               ("ctl", "probe"), ("probe", "base")]:
            self.accepted(f"{folder}/a.cpp", f'#include "{target}/b.h"\n')

    def test_the_direction_is_never_reversed(self):
        order = ["base", "model", "policy", "controller", "ctl"]
        for position, folder in enumerate(order):
            for target in order[position + 1:]:
                self.refused(f"{folder}/a.h", f'#include "{target}/b.h"\n')

    def test_folders_side_by_side_stay_apart(self):
        for folder, target in [("policy", "config"), ("policy", "bus"), ("config", "policy"),
                               ("config", "bus"), ("bus", "policy"), ("bus", "config"),
                               ("config", "hv_backends"), ("policy", "hv_backends"),
                               ("sim", "hv_backends"), ("bus", "hv_backends"),
                               ("hv_backends", "config"), ("hv_backends", "policy"),
                               ("sim", "policy"), ("sim", "config")]:
            self.refused(f"{folder}/a.cpp", f'#include "{target}/b.h"\n')

    def test_probe_depends_on_base_alone(self):
        for target in ("model", "policy", "sim", "controller", "ctl"):
            self.refused("probe/a.cpp", f'#include "{target}/b.h"\n')

    def test_nothing_ships_that_includes_tests_or_bench(self):
        self.refused("ctl/a.cpp", '#include "tests/fixture.h"\n')
        self.refused("ctl/a.cpp", '#include "bench/window.h"\n')

    def test_tests_and_bench_may_include_every_part(self):
        self.accepted("tests/unit/base/a_test.cpp", '#include "ctl/b.h"\n#include "fixture.h"\n')
        self.accepted("bench/a.cpp", '#include "controller/b.h"\n')

    def test_angle_brackets_hide_nothing(self):
        self.refused("base/a.h", "#include <model/domain.h>\n")

    def test_includes_are_named_from_the_root(self):
        self.refused("base/a.cpp", '#include "clock.h"\n')
        self.refused("base/a.cpp", '#include "../model/domain.h"\n')

    def test_a_folder_without_a_place_is_refused(self):
        self.refused("misc/a.cpp", "#include <vector>\n")

    def test_libvirt_is_included_by_its_backend_alone(self):
        include = "#include <libvirt/libvirt.h>\n"
        self.accepted("hv_backends/libvirt/a.cpp", include)
        self.accepted("tests/unit/libvirt/a_test.cpp", include)
        self.refused("hv_backends/mock/a.cpp", include)
        self.refused("hv_backends/libvirt.cpp", include)
        self.refused("controller/a.cpp", include)
        self.refused("controller/a.cpp", '#include "libvirt/virterror.h"\n')

    def test_prometheus_is_included_by_the_metrics_file_alone(self):
        include = "#include <prometheus/registry.h>\n"
        self.accepted("controller/http/metrics.cpp", include)
        self.refused("controller/http/metrics.h", include)
        self.refused("controller/http/totals.cpp", include)
        self.refused("tests/unit/http/a_test.cpp", include)

    def test_yaml_cpp_is_included_by_the_reader_and_tests_alone(self):
        include = "#include <yaml-cpp/yaml.h>\n"
        self.accepted("config/yaml_document.cpp", include)
        self.accepted("tests/unit/config/a_test.cpp", include)
        self.refused("config/yaml_document.h", include)
        self.refused("ctl/a.cpp", include)

    def test_clocks_are_read_in_one_file_alone(self):
        call = "auto t = std::chrono::steady_clock::now();\n"
        self.accepted("base/clock.cpp", call)
        for path in ("base/clock.h", "sim/a.cpp", "tests/unit/sim/a_test.cpp"):
            self.refused(path, call)
        self.refused("sim/a.cpp", "using C = std::chrono::system_clock;\nauto t = C::now ( );\n", 2)

    def test_a_clock_of_ours_may_define_now(self):
        self.accepted("sim/a.cpp", "Time VirtualClock::now() const noexcept { return now_; }\n")
        self.accepted("sim/a.cpp", "auto t = clock.now();\n")

    def test_comments_are_not_code(self):
        self.accepted("base/a.cpp", '// #include "ctl/b.h"\n/*\n#include "ctl/b.h"\n*/\n')
        self.refused("base/a.cpp", '/* two\nlines */\n#include "ctl/b.h"\n', line=3)
        self.refused("base/a.cpp", 'auto url = "http://x";\n#include "ctl/b.h"\n', line=2)
        self.refused("base/a.cpp", "auto n = 1'000; /* it's */\n#include \"ctl/b.h\"\n", line=2)

    def test_build_trees_and_hidden_folders_are_left_out(self):
        status, printed = check({"base/a.h": "", "build/dev/a.cpp": '#include "a.h"\n',
                                 ".cache/a.cpp": '#include "a.h"\n'})
        self.assertEqual((status, printed), (0, []))

    def test_every_violation_is_printed(self):
        status, printed = check({"base/a.h": '#include "ctl/b.h"\n#include "sim/b.h"\n',
                                 "model/a.h": '#include "ctl/b.h"\n'})
        self.assertEqual(status, 1)
        self.assertEqual([line.split(": ")[0] for line in printed],
                         ["base/a.h:1", "base/a.h:2", "model/a.h:1"])

    def test_a_tree_without_files_is_refused(self):
        self.assertEqual(check({"README.md": ""})[0], 1)


if __name__ == "__main__":
    unittest.main()
