"""Chromium without a window, over its debugging pipe: pages at any width, light and dark, and their complaints."""

import base64
import fcntl
import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

from requirements import require_tool

FLAGS = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --remote-debugging-pipe"


class Browser:
    """One page; ``complaints`` are console messages, exceptions, and anything that it wanted from elsewhere."""

    def __init__(self, read, write):
        self.read, self.write, self.count, self.rest = read, write, 0, b""
        self.complaints, self.session = [], None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Performance"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        """Send a command; return its result."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        message |= {"sessionId": self.session} if self.session else {}
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while (answer := self.message()).get("id") != self.count:
            self.heard(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def message(self):
        while b"\0" not in self.rest:
            more = os.read(self.read, 1 << 16)
            assert more, "the browser has ended"
            self.rest += more
        first, self.rest = self.rest.split(b"\0", 1)
        return json.loads(first)

    def heard(self, event):
        method, what = event.get("method", ""), event.get("params", {})
        if method in {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"}:
            self.complaints.append(what)
        elif method == "Network.requestWillBeSent" and not what["request"]["url"].startswith(("file:", "data:")):
            self.complaints.append(what["request"]["url"])

    def show(self, path, width=1400, dark=False, media="screen"):
        """Open a page at a width; return once it is there."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)
        self.call("Page.navigate", url=Path(path).resolve().as_uri())
        while self.evaluate("document.readyState") != "complete":
            pass

    def busy(self):
        """Return the seconds that the page has computed, whatever else the machine does."""
        metrics = self.call("Performance.getMetrics")["metrics"]
        return next(metric["value"] for metric in metrics if metric["name"] == "ProcessTime")

    def evaluate(self, script):
        """Return what JavaScript evaluates to."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def picture(self, path, whole=True):
        """Save what is seen as a PNG."""
        image = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        Path(path).write_bytes(base64.b64decode(image["data"]))


@contextmanager
def browser(folder):
    """Start Chromium with a profile in a folder; end it afterwards."""
    program = require_tool("chromium")
    ends = [*os.pipe(), *os.pipe()]
    (to_read, to_write, from_read, from_write) = (fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in ends)
    for end in ends:
        os.close(end)

    placed = ["bash", "-c", f'exec "$@" 3<&{to_read} 4>&{from_write}', "bash"]  # where Chromium wants its pipes
    command = [*placed, program, *FLAGS.split(), f"--user-data-dir={folder}", "about:blank"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, pass_fds=(to_read, from_write), **quiet) as process:
        os.close(to_read)
        os.close(from_write)
        try:
            yield Browser(from_read, to_write)
        finally:
            process.kill()
            os.close(from_read)
            os.close(to_write)
