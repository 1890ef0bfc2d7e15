"""Chromium without a window, over its own protocol on a pipe: no driver, and no package beside the browser itself.

https://chromedevtools.github.io/devtools-protocol
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    *("--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--no-sandbox"),
    *("--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-default-apps", "--disable-extensions", "--metrics-recording-only", "--hide-scrollbars"),
)
_SECONDS = 120  # a busy machine may take as long for one answer
_BETWEEN_PAGES = ("navigated or closed", "context was destroyed", "Cannot find context")
_AROUND = """(places, margin) => {
    const boxes = [...document.querySelectorAll(places)].map(each => each.getBoundingClientRect());
    const x = Math.max(0, Math.min(...boxes.map(box => box.left)) - margin);
    const y = Math.max(0, Math.min(...boxes.map(box => box.top)) - margin);
    const right = Math.min(innerWidth, Math.max(...boxes.map(box => box.right)) + margin);
    const bottom = Math.max(...boxes.map(box => box.bottom)) + margin;
    return {x, y, width: right - x, height: bottom - y, scale: 1};
}"""


def program() -> str | None:
    """Where Chromium is; None if it is not on this machine."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


class Page:
    """One tab.

    Attributes:
        console: Errors and warnings of the page: its own, of its security policy, of requests that failed.
        requests: The addresses that it asked for.
    """

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read = write, read
        self._numbers = itertools.count(1)
        self._left = b""
        self._session = ""
        self._loaded: list[str] = []
        self.console: list[str] = []
        self.requests: list[str] = []
        self._loader = ""
        self._frame = target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)

    def call(self, method: str, **parameters: Any) -> Any:
        """Calls the browser and returns its answer."""
        number = next(self._numbers)
        asked = {"id": number, "method": method, "params": parameters}
        if self._session:
            asked["sessionId"] = self._session
        os.write(self._write, json.dumps(asked).encode() + b"\0")
        deadline = time.monotonic() + _SECONDS
        while True:
            found = self._next(deadline)
            if found.get("id") == number:
                assert "error" not in found, (method, found["error"])
                return found["result"]

    def open(self, url: str) -> None:
        """Goes to an address, and waits until it is loaded."""
        # The page before may load until now, so that each load is known by its number.
        loader = self.call("Page.navigate", url=url)["loaderId"]
        self._wait(lambda found: found == loader)

    def wait_for_load(self) -> None:
        """Waits for the page that comes after the one that was opened."""
        before = self._loader
        self._wait(lambda found: found != before)

    def run(self, script: str) -> Any:
        """What an expression is on the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_until(self, script: str, seconds: float = _SECONDS) -> None:
        """Waits until an expression is true."""
        deadline = time.monotonic() + seconds
        while not self._is_true(script):
            assert time.monotonic() < deadline, f"not within {seconds} s: {script}"
            time.sleep(0.1)

    def _is_true(self, script: str) -> bool:
        """Whether an expression is true; it is not while the page changes to another."""
        try:
            return bool(self.run(script))
        except AssertionError as error:
            if any(words in str(error) for words in _BETWEEN_PAGES):
                return False
            raise

    def press(self, key: str, code: int, text: str = "") -> None:
        """Presses a key."""
        given = {"key": key, "windowsVirtualKeyCode": code, "code": key}
        self.call("Input.dispatchKeyEvent", type="keyDown", **given, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **given)

    def show(self, width: int, height: int, scheme: str = "light", scale: float = 1) -> None:
        """Sets the size of the window, whether a person likes it light or dark, and how fine its screen is."""
        size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def scripts(self, *, are_on: bool) -> None:
        """Whether the next pages run scripts."""
        self.call("Emulation.setScriptExecutionDisabled", value=not are_on)

    def photograph(self, path: Path, places: str = "", margin: int = 0) -> None:
        """Writes what is seen to a file, or the part of it around all elements of a CSS selector."""
        clip = {"clip": self.run(f"({_AROUND})({json.dumps(places)}, {margin})")} if places else {}
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True, **clip)
        path.write_bytes(base64.b64decode(shot["data"]))

    def _wait(self, is_it: Callable[[str], bool]) -> None:
        """Waits until a page has loaded that is meant."""
        deadline = time.monotonic() + _SECONDS
        while not (loaded := list(filter(is_it, self._loaded))):
            self._next(deadline)
        self._loader = loaded[0]
        self._loaded.clear()

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._left:
            assert select.select([self._read], [], [], max(0.0, deadline - time.monotonic()))[0], "no answer"
            part = os.read(self._read, 1 << 16)
            assert part, "the browser has ended"
            self._left += part
        raw, _, self._left = self._left.partition(b"\0")
        found: dict[str, Any] = json.loads(raw)
        if "method" in found:
            self._note(found)
        return found

    def _note(self, event: dict[str, Any]) -> None:
        method, given = event["method"], event["params"]
        if method == "Page.lifecycleEvent" and (given["name"], given["frameId"]) == ("load", self._frame):
            self._loaded.append(given["loaderId"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(given["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.console.append(str(given["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and given["type"] in ("error", "warning", "assert"):
            self.console.append(str(given["args"]))
        elif method == "Log.entryAdded" and given["entry"]["level"] in ("error", "warning"):
            self.console.append(f"{given['entry']['text']} {given['entry'].get('url', '')}")


@contextmanager
def opened(folder: Path) -> Iterator[Page]:
    """A tab of a browser that ends with it; all that it writes is in a folder."""
    found = program()
    assert found
    to_browser, write = os.pipe()
    read, from_browser = os.pipe()
    command = [found, *_FLAGS, f"--user-data-dir={folder}"]
    # A shell gives the pipes the numbers that Chromium wants.
    shell = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
    process = subprocess.Popen(
        ["/bin/bash", "-c", shell, "bash", *command],
        pass_fds=(to_browser, from_browser),
        env={**os.environ, "HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_browser)
    os.close(from_browser)
    try:
        page = Page(write, read)
        yield page
        page._session = ""
        page.call("Browser.close")
        process.wait(_SECONDS)
    finally:
        os.close(write)
        os.close(read)
        if process.poll() is None:
            process.kill()
            process.wait()
