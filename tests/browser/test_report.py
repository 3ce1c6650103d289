#!/usr/bin/env python3
"""The page that `ballastctl compare --report` writes, as a browser shows it."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from browser import Browser

SOURCE = pathlib.Path(__file__).resolve().parents[2]
OFFICE = SOURCE / "tests/data/traces/office.csv"
SCENARIO = SOURCE / "config/examples/policy-desk.yaml"
EVIL = ["</script><img src=x onerror=window.harmed=1>", "<b>bold</b>", "'\"&amp;", "x" * 120,
        "имя-ドメイン", "a b  c"]

# Texts of charts that cover each other or are cut off, and places where the page is too wide.
UNTIDY = """
const untidy = [];
for (const svg of document.querySelectorAll('svg[role=img]')) {
  const frame = svg.getBoundingClientRect();
  const boxes = [...svg.querySelectorAll('text')].filter((text) => text.textContent.trim())
    .map((text) => [text.textContent, text.getBoundingClientRect()]);
  boxes.forEach(([words, box], i) => {
    if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 ||
        box.bottom > frame.bottom + 1) untidy.push(`cut off: ${words}`);
    for (const [others, other] of boxes.slice(i + 1)) {
      const across = Math.min(box.right, other.right) - Math.max(box.left, other.left);
      const down = Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top);
      if (across > 1 && down > 3) untidy.push(`over each other: ${words} | ${others}`);
    }
  });
}
const page = document.scrollingElement;
if (page.scrollWidth > page.clientWidth + 1) untidy.push(`wider than the window: ${page.scrollWidth}`);
return untidy;
"""

# Texts whose colour is too near to what is behind them (WCAG AA: 4.5).
FAINT = """
const light = (colour) => {
  const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map((c) => c / 255)
    .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const paper = light(getComputedStyle(document.body).backgroundColor);
const faint = new Set();
for (const text of document.querySelectorAll('svg text, p, dt, dd, th, td, figcaption span, button')) {
  const style = getComputedStyle(text);
  const ink = light(text.tagName === 'text' ? style.fill : style.color);
  const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  if (contrast < 4.5) faint.add(`${text.textContent.slice(0, 40)}: ${contrast.toFixed(1)}`);
}
return [...faint];
"""

CHARTS = """
return [...document.querySelectorAll('.domain-figure')].map((figure) => ({
  name: figure.querySelector('.domain-name').textContent,
  drawn: [...figure.querySelectorAll('path.line')].every((path) => path.getAttribute('d').length > 10),
}));
"""


def compare(folder: pathlib.Path, *arguments) -> str:
    page = folder / "page.html"
    subprocess.run([os.environ["BALLASTCTL"], "compare", *map(str, arguments), "--report", page],
                   check=True, stdout=subprocess.DEVNULL)
    return page.as_uri()


def trace(path: pathlib.Path, names: list[str]) -> pathlib.Path:
    rows = ["vm,t_s,capacity_kib,used_kib"]
    for number, name in enumerate(names):
        for at in range(0, 7200, 300):
            used = (at // 300 * 7 + number * 13) % 45 + 5
            rows.append(f"{name},{at},4194304,{41943 * used}")
    path.write_text("\n".join(rows) + "\n")
    return path


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name)

    def check(self, url: str, domains: list[str], widths=(360, 820, 1600)) -> None:
        for scheme in ("light", "dark"):
            for width in widths:
                with self.subTest(scheme=scheme, width=width):
                    self.browser.show(url, width, scheme)
                    self.assertEqual(self.browser.messages(), [])
                    self.assertEqual(self.browser.run(UNTIDY), [])
                    self.assertEqual(self.browser.run(FAINT), [])
                    charts = self.browser.run(CHARTS)
                    self.assertEqual(sorted(chart["name"] for chart in charts), sorted(domains))
                    self.assertTrue(all(chart["drawn"] for chart in charts))
                    self.assertEqual(
                        self.browser.run("return performance.getEntriesByType('resource').length"), 0)

    def test_many_ratios_and_policies(self) -> None:
        url = compare(self.folder, OFFICE, "--policies", "ballast,mom,proxmox,qmemman,esx,hyperv,psi",
                      "--overcommit", "1:3:0.5")
        names = [*(f"desktop-{i}" for i in range(1, 5)), *(f"server-{i}" for i in range(5, 8)), "batch-8"]
        self.check(url, names)
        # Every policy can be chosen.
        policies = self.browser.run("return [...document.querySelectorAll('.chips button')]"
                                    ".map((one) => one.dataset.policy)")
        self.assertEqual(len(policies), 9)
        for policy in policies:
            told = self.browser.run(
                "document.querySelector(`.chips [data-policy=${arguments[0]}]`).click();"
                "return document.querySelector('svg.host').getAttribute('aria-label')", policy)
            self.assertIn(f"{policy} at", told)
            self.assertEqual(self.browser.run(UNTIDY), [])
        self.assertEqual(self.browser.messages(), [])

    def test_a_scenario_has_one_ratio(self) -> None:
        url = compare(self.folder, SCENARIO, "--policies", "ballast")
        self.browser.show(url, 1200, "light")
        self.assertEqual(self.browser.messages(), [])
        self.assertEqual(self.browser.run(UNTIDY), [])

    def test_one_domain(self) -> None:
        url = compare(self.folder, trace(self.folder / "one.csv", ["alone"]), "--policies", "ballast",
                      "--overcommit", "2")
        self.check(url, ["alone"])

    def test_names_are_text_whatever_they_are(self) -> None:
        url = compare(self.folder, trace(self.folder / "evil.csv", EVIL), "--policies", "ballast",
                      "--overcommit", "1,2")
        self.check(url, EVIL)
        self.assertIsNone(self.browser.run("return window.harmed || null"))
        self.assertEqual(self.browser.run("return document.querySelectorAll('img, b > b').length"), 0)

    def test_two_hundred_domains(self) -> None:
        names = [f"vm-{i:03}" for i in range(200)]
        url = compare(self.folder, trace(self.folder / "many.csv", names), "--policies", "ballast,mom",
                      "--overcommit", "1,2")
        self.check(url, names, widths=(1200,))

    def test_charts_are_read_with_the_keyboard(self) -> None:
        url = compare(self.folder, OFFICE, "--policies", "ballast", "--overcommit", "2")
        self.browser.show(url, 1200, "light")
        told = self.browser.run("""
            const host = document.querySelector('svg.host');
            host.focus();
            const press = (key) => host.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
            const read = () => document.querySelector('.readout').textContent;
            press('Home'); const first = read();
            press('ArrowRight'); const second = read();
            press('End'); const last = read();
            press('Escape');
            return [document.activeElement === host, first, second, last, read()];""")
        self.assertTrue(told[0])
        self.assertTrue(told[1].startswith("00:00:00"))
        self.assertEqual(len(set(told[1:])), 4)
        self.assertRegex(told[3], r"^05:5\d:")


if __name__ == "__main__":
    unittest.main()
