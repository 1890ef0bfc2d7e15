"""Makes the pictures of the documentation, docs/pictures, from what runs.

    make up
    python -m tools.doc_pictures [NAME …]

It needs Chromium and a font with emoji (Debian: fonts-noto-color-emoji). Only the pages of `batchtab web` and the alert
need the local AWS of `make up`. The letters are those of the machine's fonts.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.browser import Page
from tests.unit.calendar import support
from tests.unit.plan_review import summaries

from batchtab.calendar import page as week_page
from batchtab.calendar.timeline import Calendar
from batchtab.plan_review import markdown
from batchtab.plan_review.plan import Plan
from tools.comment_page import render
from tools.own_environment import ROOT
from tools.photographs import chromium, photograph, web_pages
from tools.small_png import shrink

FOLDER = ROOT / "docs" / "pictures"
WEEK: support.Jobs = {
    name: {**support.BERLIN, "memory_mib": 16384, "timeout_seconds": 8 * 3600, **job}
    for name, job in {
        "billing-close-books": {"schedule": "30 2 * * *", "vcpus": 16, "usual_duration_seconds": 5 * 3600},
        "billing-dunning": {
            "schedule": "0 9 * * 1-5",
            "vcpus": 4,
            "except": ["2026-03-25", "2026-03-26"],
            "usual_duration_seconds": 1800,
        },
        "billing-payments-sync": {
            "schedule": "*/10 7-20 * * 1-5",
            "vcpus": 4,
            "except": ["2026-03-27"],
            "timeout_seconds": 300,
        },
        "billing-old-export": {"schedule": "15 4 * * *", "suspend": True},
        "reports-invoices": {"schedule": "0 2 * * 1-6", "vcpus": 24, "usual_duration_seconds": 90 * 60},
        "reports-weekly-archive": {"schedule": "0 22 * * 6", "timeout_seconds": 26 * 3600},
    }.items()
}


@dataclass(frozen=True)
class Picture:
    """A picture.

    Attributes:
        page: The page of docs/ that shows it.
        width: Of the window, in CSS pixels.
        scale: Pixels of the file for each of them: letters are sharp on a fine screen.
        places: A CSS selector of what it shows.
        margin: CSS pixels around that.
        source: Writes the page that is photographed into a folder; None for a page of `batchtab web`.
        web: That page's name.
    """

    page: str
    width: int
    scale: float
    places: str
    margin: int = 0
    source: Callable[[Path], Path] | None = None
    web: str = ""


def week(folder: Path) -> Calendar:
    """The week of docs/calendar.md, from a project that is written into a folder."""
    return support.calendar(folder, WEEK, max_vcpus=32)


def _calendar(folder: Path) -> Path:
    page = folder / "week.html"
    page.write_text(week_page.render(week(folder)), encoding="utf-8")
    return page


def _plan_comment(folder: Path) -> Path:
    page = folder / "comment.html"
    page.write_text(render(plan_comment()), encoding="utf-8")
    return page


def plan_comment() -> str:
    """The comment on a plan that changes one job and removes another one, each as Terraform planned it."""
    both, removed = summaries.content("schedule-change"), summaries.content("job-removed")
    gone = {each["address"]: each for each in removed["resource_changes"] if each["change"]["actions"] == ["delete"]}
    kept = [each for each in both["resource_changes"] if each["address"] not in gone]
    both["resource_changes"] = [*kept, *gone.values()]
    whole = json.dumps(both).replace("batchtab-local", "batchtab-prod").replace("000000000000", "123456789012")
    return markdown.render(summaries.of([Plan.read(json.loads(whole), "jobs-my-service")]), title="batchtab-prod")


#: The files of `FOLDER` without `.png`.
PICTURES = {
    "plan-comment": Picture("pull-requests.md", 800, 1.75, ".comment", 0, _plan_comment),
    "slack-alert": Picture("alerts.md", 800, 1.75, ".message:first-of-type", 8, web="slack"),
    "calendar": Picture("calendar.md", 1000, 1.6, "main > *", 24, _calendar),
    "web-jobs": Picture("web.md", 1000, 1.6, ".top, #rows", 16, web="jobs"),
    "web-run": Picture("web.md", 1000, 1.6, ".top, #story, #log + .note", 16, web="run"),
}


def make(tab: Page, name: str, target: Path, pages: dict[str, str]) -> None:
    """Makes one picture.

    Args:
        tab: Where it is opened.
        name: Of the picture.
        target: The file.
        pages: The addresses of the pages of `batchtab web`, by name.
    """
    picture = PICTURES[name]
    with tempfile.TemporaryDirectory() as folder:
        url = picture.source(Path(folder)).as_uri() if picture.source else pages[picture.web]
        photograph(
            tab,
            url,
            target,
            width=picture.width,
            scale=picture.scale,
            places=picture.places,
            margin=picture.margin,
        )
    shrink(tab, target)


def size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG."""
    width, height = struct.unpack(">II", path.read_bytes()[16:24])
    return width, height


def main(names: Iterable[str]) -> None:
    """Makes the named pictures, or all of them."""
    names = list(names) or list(PICTURES)
    if unknown := sorted(set(names) - set(PICTURES)):
        raise SystemExit(f"{', '.join(unknown)}: no picture has this name; there are {', '.join(PICTURES)}")
    if not subprocess.run(["fc-list", ":charset=1f7e1"], capture_output=True, check=False).stdout:
        raise SystemExit("no font has the sign 🟡: install one with emoji (Debian: fonts-noto-color-emoji)")
    FOLDER.mkdir(exist_ok=True)
    with chromium() as tab:
        pages = web_pages(tab, "local") if any(PICTURES[name].web for name in names) else {}
        for name in names:
            target = FOLDER / f"{name}.png"
            make(tab, name, target, pages)
            width, height = size(target)
            print(f"{target.relative_to(ROOT)}: {width} by {height}, {target.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main(sys.argv[1:])
