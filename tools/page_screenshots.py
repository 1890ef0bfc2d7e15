"""Photographs the pages of `batchtab web` of a running local AWS: each light, dark and narrow.

    make up
    python -m tools.page_screenshots [FOLDER] [STAGE]

It needs Chromium. The folder is `.batchtab/screenshots` by default, the stage `local`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests import browser

from batchtab.terraform.local_record import PagesRecord

_ROOT = Path(".batchtab")
_PAGES = {name: f"/{name}" for name in ("now", "history", "calendar", "alerts", "cost", "slack")} | {"jobs": "/"}
_LOOKS = {"light": (1280, "light"), "dark": (1280, "dark"), "narrow": (390, "light"), "narrow-dark": (390, "dark")}
# The page of a failed job and of its newest failed run, if there is one; otherwise of the first job and run.
_JOB, _RUN = "/jobs/", "/runs/"
_LINK = "(all => (all.find(each => each.closest('tr').querySelector('.FAILED')) ?? all[0])?.getAttribute('href'))"
_LINKS = "([...document.querySelectorAll('tbody a[href^=\"{}\"]')])"


def main(arguments: list[str]) -> int:
    """Writes the files and prints their names; exit status 2 if there is nothing to photograph."""
    folder = Path(arguments[0]) if arguments else _ROOT / "screenshots"
    stage = arguments[1] if len(arguments) > 1 else "local"
    record = PagesRecord.read(_ROOT / f"web-{stage}.json")
    if record is None or browser.program() is None:
        print("no pages run here (make up), or Chromium is missing", file=sys.stderr)
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, browser.opened(Path(home)) as page:
        page.open(record.url)
        page.wait_until("location.search === ''")
        root = f"http://127.0.0.1:{record.port}"
        for name, path in _found(page, root).items():
            for look, (width, scheme) in _LOOKS.items():
                page.show(width, 800, scheme)
                page.open(root + path)
                page.wait_until("!document.querySelector('[aria-busy]')", 60)
                # All of it, as if the window were as high as the page.
                page.show(width, max(800, page.run("document.documentElement.scrollHeight")), scheme)
                target = folder / f"{name}-{look}.png"
                page.photograph(target)
                print(target)
    return 0


def _found(page: browser.Page, root: str) -> dict[str, str]:
    """The pages, with a job's and a run's."""
    return {**_PAGES, **dict(_of_a_job(page, root))}


def _of_a_job(page: browser.Page, root: str) -> Iterator[tuple[str, str]]:
    for name, path, prefix in (("job", "/", _JOB), ("run", "/history", _RUN)):
        page.open(root + path)
        if link := page.run(_LINK + _LINKS.format(prefix)):
            yield name, link


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
