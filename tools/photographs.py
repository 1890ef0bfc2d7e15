"""Photographs pages with Chromium: files, and the pages of `batchtab web` of a running local AWS."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import browser

from batchtab.terraform.local_record import PagesRecord
from tools.own_environment import ROOT

_PAGES = {name: f"/{name}" for name in ("now", "history", "calendar", "alerts", "cost", "slack")} | {"jobs": "/"}
# The page of a failed job and of its newest failed run, if there is one; otherwise of the first job and run.
_LINKED = {"job": ("/", "/jobs/"), "run": ("/history", "/runs/")}
_LINK = "(all => (all.find(each => each.closest('tr').querySelector('.FAILED')) ?? all[0])?.getAttribute('href'))"
_LINKS = "([...document.querySelectorAll('tbody a[href^=\"{}\"]')])"


@contextmanager
def chromium() -> Iterator[browser.Page]:
    """A tab that leaves no file.

    Raises:
        SystemExit: Chromium is not on this machine.
    """
    if browser.program() is None:
        raise SystemExit("Chromium is missing: install the package chromium")
    with tempfile.TemporaryDirectory() as home, browser.opened(Path(home)) as page:
        yield page


def photograph(
    page: browser.Page,
    url: str,
    target: Path,
    *,
    width: int = 1280,
    scheme: str = "light",
    scale: float = 1,
    places: str = "",
    margin: int = 0,
) -> None:
    """Opens an address and writes all of its page to a file, as if the window were as high as the page.

    Args:
        page: The tab.
        url: The address.
        target: The file, a PNG.
        width: Of the window, in CSS pixels.
        scheme: `light` or `dark`.
        scale: Pixels of the file for each CSS pixel.
        places: A CSS selector; only the part around all of its elements is written.
        margin: CSS pixels around that part.
    """
    page.show(width, 800, scheme, scale)
    page.open(url)
    page.wait_until("!document.querySelector('[aria-busy]')", 60)
    page.show(width, max(800, page.run("document.documentElement.scrollHeight")), scheme, scale)
    page.photograph(target, places, margin)


def web_pages(page: browser.Page, stage: str) -> dict[str, str]:
    """The addresses of the pages of `batchtab web` beside a stage's local AWS, by name; the tab may open them then.

    Raises:
        SystemExit: No pages run here.
    """
    record = PagesRecord.read(ROOT / ".batchtab" / f"web-{stage}.json")
    if record is None:
        raise SystemExit("no pages run here: make up")
    page.open(record.url)
    page.wait_until("location.search === ''")
    root = f"http://127.0.0.1:{record.port}"
    found = {name: root + path for name, path in _PAGES.items()}
    for name, (listed, prefix) in _LINKED.items():
        page.open(root + listed)
        if link := page.run(_LINK + _LINKS.format(prefix)):
            found[name] = root + link
    return found
