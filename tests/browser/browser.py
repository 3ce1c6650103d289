"""A headless Chromium, driven through ChromeDriver's HTTP interface."""

import json
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request

PATIENCE_S = 60
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--hide-scrollbars"]


class Browser:
    def __init__(self) -> None:
        self.profile = tempfile.mkdtemp()
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for line in self.driver.stdout:
            if started := re.search(r"started successfully on port (\d+)", line):
                break
        else:
            raise AssertionError("chromedriver did not start")
        self.url = f"http://127.0.0.1:{started.group(1)}/session"
        options = {"args": [*ARGUMENTS, f"--user-data-dir={self.profile}"]}
        self.session = self.send("", {"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})["sessionId"]

    def close(self) -> None:
        try:
            self.send(f"/{self.session}", None, "DELETE")
        finally:
            self.driver.terminate()
            self.driver.wait(timeout=PATIENCE_S)
            self.driver.stdout.close()
            shutil.rmtree(self.profile, ignore_errors=True)

    def send(self, path: str, body: dict | None, method: str = "POST"):
        request = urllib.request.Request(
            self.url + path, method=method, headers={"Content-Type": "application/json"},
            data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.read().decode()}") from error

    def devtools(self, command: str, **parameters):
        return self.send(f"/{self.session}/goog/cdp/execute",
                         {"cmd": command, "params": parameters})

    def show(self, url: str, width: int, scheme: str) -> None:
        """Loads a page as a window of that width shows it; scheme: light or dark."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=900,
                      deviceScaleFactor=1, mobile=False)
        self.devtools("Emulation.setEmulatedMedia", media="screen",
                      features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.messages()
        self.send(f"/{self.session}/url", {"url": url})

    def run(self, script: str, *arguments):
        return self.send(f"/{self.session}/execute/sync",
                         {"script": script, "args": list(arguments)})

    def messages(self) -> list[str]:
        """What its console was told since it was asked last."""
        return [entry["message"] for entry in
                self.send(f"/{self.session}/se/log", {"type": "browser"})]
