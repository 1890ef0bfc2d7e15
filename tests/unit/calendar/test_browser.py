"""The page in a real browser: on paper, and its marks by keyboard and touch. No script is needed for any of it."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests import browser as chromium
from tests.browser import Page
from tests.unit.calendar.support import BERLIN, Jobs, calendar

from batchtab.calendar import page as week_page

pytestmark = pytest.mark.skipif(chromium.program() is None, reason="Chromium is not on this machine")

_TAB, _RIGHT, _LEFT = ("Tab", 9), ("ArrowRight", 39), ("ArrowLeft", 37)
_NIGHTLY = {**BERLIN, "schedule": "0 4 * * *", "usual_duration_seconds": 5400, "timeout_seconds": 7200}
_KINDS: tuple[dict[str, Any], ...] = (
    _NIGHTLY,
    {**BERLIN, "schedule": "30 */4 * * *"},
    {"schedule": "*/5 * * * *", "except": ["2026-03-25"]},
    {"schedule": "0 9 * * MON-FRI", "suspend": True},
)
_FOCUSED = "document.activeElement.labels[0].querySelector('.words')"
_IS_SHOWN = f"(box => box.width > 50 && box.top >= 0 && box.bottom <= innerHeight)({_FOCUSED}.getBoundingClientRect())"


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with chromium.opened(tmp_path / "chromium") as found:
        found.show(1280, 900)
        yield found
        assert found.console == []
        assert [url for url in found.requests if not url.startswith("file:")] == []


def opened(page: Page, root: Path, jobs: Jobs, **given: Any) -> None:
    file = root / "week.html"
    file.write_text(week_page.render(calendar(root, jobs, **given)), encoding="utf-8")
    page.open(file.as_uri())


@pytest.mark.parametrize("services", [6, 1])
def test_on_paper_each_page_has_the_days_and_no_row_is_cut(services: int, page: Page, tmp_path: Path) -> None:
    # GIVEN 60 jobs, which take several pages
    jobs = {f"s{n % services}-job-{n:02d}": _KINDS[n % 4] for n in range(60)}
    opened(page, tmp_path, jobs, max_vcpus=4)

    for padding in (0, 40):  # so that pages end at different rows
        # WHEN
        page.run(f"void (document.querySelector('header').style.paddingTop = '{padding}px')")
        pages = drawn(printed(page))

        # THEN
        assert len(pages) >= 4
        for lines in pages:
            days = next(number for number, line in enumerate(lines) if line.startswith("Mon 23 Mar"))
            assert lines[days].endswith("Sun 29 Mar")
            assert [line.split()[:3] for line in lines[days + 2 : days + 4]] == [
                ["Europe/Berlin", "00", "12"],
                ["UTC", "00", "12"],
            ]
        # AND below each job's name is its schedule, and below each service a job
        lines = [line for page_lines in pages for line in [*page_lines, "(end)"]]
        after = dict(pairwise(lines))
        names = [line for line in lines if line.startswith("job-")]
        assert len(names) == 60
        assert [name for name in names if "*" not in after[name]] == []
        assert [after[line] for line in lines if line.endswith(" jobs") and not after[line].startswith("job-")] == []


def drawn(pages: list[list[str]]) -> list[list[str]]:
    """The part above the list of pile-ups."""
    number = next(number for number, lines in enumerate(pages) if "Where runs pile up" in lines)
    last = pages[number][: pages[number].index("Where runs pile up")]
    return [*pages[:number], *([last] if last else [])]


def printed(page: Page) -> list[list[str]]:
    """The lines of each page of paper, from top to bottom."""
    pypdf = pytest.importorskip("pypdf")
    data = base64.b64decode(page.call("Page.printToPDF", preferCSSPageSize=True)["data"])
    found = []
    for each in pypdf.PdfReader(io.BytesIO(data)).pages:
        lines: dict[int, list[tuple[float, str]]] = {}

        def note(text: str, page: list[float], line: list[float], *_: object, on: Any = lines) -> None:
            x, y = page[0] * line[4] + page[4], page[3] * line[5] + page[5]
            if text.strip() and not text.strip().startswith("every"):  # a band's name
                on.setdefault(round(y), []).append((x, text.strip()))

        each.extract_text(visitor_text=note)
        found.append([" ".join(text for _, text in sorted(lines[y])) for y in sorted(lines, reverse=True)])
    return found


def test_bars_can_be_seen_without_colours(page: Page, tmp_path: Path) -> None:
    # GIVEN each kind of mark, on a screen that is dark
    page.show(1280, 900, "dark")
    opened(page, tmp_path, {f"a-job-{n}": kind for n, kind in enumerate(_KINDS)}, max_vcpus=1)

    # WHEN printed
    page.call("Emulation.setEmulatedMedia", media="print")

    # THEN the grey of each differs enough from that of the paper (WCAG 2.2, 1.4.11)
    for kind, style in (
        ("start", "fill"),
        ("usual", "fill"),
        ("bound", "stroke"),
        ("band", "fill"),
        ("limit", "stroke"),
    ):
        assert page.run(f"({_CONTRAST})('svg .{kind}', '{style}')") >= 2.5, kind
    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_a_row_is_one_tab_stop_and_arrows_move_along_its_marks(page: Page, tmp_path: Path) -> None:
    # GIVEN a job of the night, and one of 167 marks, in a window that ends below the first
    page.show(1280, 350)
    page.scripts(are_on=False)
    hourly = {**BERLIN, "schedule": "30 * * * *"}
    opened(page, tmp_path, {"a-night": {**_NIGHTLY, "description": "Closes books."}, "a-often": hourly})

    # WHEN somebody goes to the service, to its first row, and along it
    page.press(*_TAB)
    assert page.run("document.activeElement.tagName") == "SUMMARY"
    page.press(*_TAB)
    # THEN each stop is seen and says what it is
    assert page.run(f"{_FOCUSED}.textContent").startswith("a-night · Closes books. · 1 vCPU, queue default, usually")
    for day in ("Mon 23", "Tue 24", "Wed 25"):
        page.press(*_RIGHT)
        said = page.run(f"{_FOCUSED}.textContent")
        assert said == f"{day} Mar 04:00 CET · 03:00 UTC · usually 1 h 30 min"
        assert page.run(_IS_SHOWN)
        assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.press(*_LEFT)
    assert page.run(f"{_FOCUSED}.textContent").startswith("Tue 24 Mar")
    # AND a screen reader says the same
    tree = page.call("Accessibility.getFullAXTree")["nodes"]
    focused = [
        node["name"]["value"]
        for node in tree
        if node.get("role", {}).get("value") == "radio"
        and any(each["name"] == "focused" and each["value"]["value"] for each in node["properties"])
    ]
    assert focused == ["Tue 24 Mar 04:00 CET · 03:00 UTC · usually 1 h 30 min"]
    # AND the next row is one stop further
    page.press(*_TAB)
    assert page.run(f"{_FOCUSED}.textContent").startswith("a-often")


@pytest.mark.parametrize("width", [375, 1280])
def test_a_tap_beside_a_mark_shows_its_text(width: int, page: Page, tmp_path: Path) -> None:
    # GIVEN a run of a minute, which is narrower than a finger
    page.show(width, 900)
    page.call("Emulation.setTouchEmulationEnabled", enabled=True)
    page.scripts(are_on=False)
    opened(page, tmp_path, {"a-night": {**_NIGHTLY, "usual_duration_seconds": 60}})
    reach = page.run("document.querySelectorAll('td .mark')[3].getBoundingClientRect().width")
    assert reach >= (24 if width == 375 else 12)
    start = "document.querySelectorAll('td .start')[3].getBoundingClientRect()"
    x, y = page.run(f"{start}.left"), page.run(f"{start}.top")

    # WHEN
    page.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x - 9, "y": y}])
    page.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    # THEN
    page.wait_until("document.activeElement.tagName === 'INPUT'")
    assert page.run(f"{_FOCUSED}.textContent") == "Thu 26 Mar 04:00 CET · 03:00 UTC · usually 1 min"
    page.wait_until(_IS_SHOWN)
    assert page.run("document.documentElement.scrollWidth") <= width


#: The contrast of an element's fill or stroke, upon white, with white.
_CONTRAST = """(selector, kind) => {
  const style = getComputedStyle(document.querySelector(selector));
  const opacity = Number(style[`${kind}Opacity`]);
  const [r, g, b] = style[kind].match(/[\\d.]+/g).map((v) => (1 - opacity) + opacity * v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05);
}"""
