"""The week as one HTML page that loads nothing: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from datetime import timedelta
from itertools import count, groupby
from pathlib import Path

from batchtab.calendar import words
from batchtab.calendar.chart import Chart
from batchtab.calendar.contention import contentions
from batchtab.calendar.legend import legend
from batchtab.calendar.lists import lists
from batchtab.calendar.load import Load, reservations
from batchtab.calendar.markup import element, percent, text
from batchtab.calendar.plot import Plot
from batchtab.calendar.recurrence import Recurrence, recurrences
from batchtab.calendar.rows import HEIGHT, Row
from batchtab.calendar.summary import summary
from batchtab.calendar.timeline import Calendar, JobTimeline
from batchtab.errors import how_many

_OPEN_MAX = 60  # jobs: with more, the services are folded
_MARKS_MAX = 6000
_CLOSE, _FAR = timedelta(minutes=40), timedelta(hours=6)
_RECURRENCES_MAX = 20
_HOURS = 7 * 24
_HOW = "Point at a mark or tap it to read it. By keyboard: Tab goes to a row, the arrow keys move along it."
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def render(calendar: Calendar) -> str:
    """The page, the same for the same files and week."""
    reserved = reservations(calendar)
    load = Load.of(reserved, calendar.week.seconds)
    found = recurrences(calendar, contentions(calendar, reserved, load))
    return _Page(calendar, load, found).render()


class _Page:
    def __init__(self, calendar: Calendar, load: Load, found: list[Recurrence]) -> None:
        self._calendar = calendar
        self._week = calendar.week
        self._summary = summary(calendar, load, found)
        self._found = found[:_RECURRENCES_MAX]
        self._left_out = len(found) - len(self._found)
        self._plot = Plot(calendar.week)
        self._numbers = count(1)
        self._timelines = calendar.shown
        self._is_open = len(self._timelines) <= _OPEN_MAX
        singly = sum(len(timeline.occurrences) for timeline in self._timelines if len(timeline.occurrences) <= _HOURS)
        self._closest = _CLOSE if singly <= _MARKS_MAX else _FAR
        self._chart = Chart(calendar, load, self._plot, self._found)

    def render(self) -> str:
        stage = self._calendar.catalog.stage
        title = f"{stage.prefix}: {self._week}"
        head = element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="color-scheme", content="light dark"),
            element("title", text(title)),
            element("style", Path(__file__).with_name("page.css").read_text(encoding="utf-8")),
        )
        parts = [
            self._header(),
            legend(self._timelines, are_piled=bool(self._found), are_folded=not self._is_open),
            element("p", _HOW, class_="note how"),
            element("div", self._axes(), element("div", *self._services(), self._load_row()), class_="board"),
            *lists(self._calendar, self._found, self._left_out, is_utc=self._plot.is_utc),
        ]
        body = element(
            "body",
            self._plot.background(self._found),
            _SHAPES,
            element("main", *parts),
        )
        return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"

    def _header(self) -> str:
        stage, week = self._calendar.catalog.stage, self._week
        offset = f"{week.local(week.start):%z}"
        zone = week.zone.key if self._plot.is_utc else f"{week.zone.key} (UTC{offset[:3]}:{offset[3:5]})"
        place = f"{stage.prefix} · {stage.region} · {zone}"
        return element(
            "header",
            element("p", text(place), class_="place"),
            element("h1", text(str(week))),
            element("p", text(self._summary), class_="summary"),
            *(
                element("p", text(f"⚠ {words.day(week.local(change.at))}: {change}"), class_="clock")
                for change in week.changes
            ),
        )

    def _axes(self) -> str:
        """Days and hours: at the top of the window, and of each page of paper."""
        side = element("div", *self._axis_names(), class_="side")
        return element("div", element("div", side, self._plot.axis(), class_="head"), class_="axes")

    def _services(self) -> list[str]:
        groups = groupby(self._timelines, key=lambda timeline: timeline.service)
        services = [self._service(service, list(timelines)) for service, timelines in groups]
        return services or [element("p", "No job has a schedule.", class_="nothing")]

    def _axis_names(self) -> list[str]:
        names = [element("span", text(self._week.zone.key))]
        return names if self._plot.is_utc else [*names, element("span", "UTC")]

    def _service(self, service: str, timelines: list[JobTimeline]) -> str:
        number = element("span", text(how_many(len(timelines), "job")), class_="number-of-jobs")
        strip = "" if self._is_open else self._strip(timelines)
        summary = element("summary", element("span", element("b", text(service)), " ", number, class_="side"), strip)
        heads = "".join(element("th", name, scope="col") for name in ("Job", "Week"))
        table = element(
            "table",
            element("colgroup", element("col", class_="side"), element("col")),
            element("thead", element("tr", heads)),
            element("tbody", *map(self._row, timelines)),
        )
        return element("details", summary, table, open="open" if self._is_open else None)

    def _row(self, timeline: JobTimeline) -> str:
        return Row(timeline, self._plot, self._closest, next(self._numbers)).render()

    def _strip(self, timelines: list[JobTimeline]) -> str:
        """A folded service: the darker, the more of its jobs start in that hour."""
        starts = [0] * _HOURS
        for timeline in timelines:
            for hour in (
                {} if timeline.job.suspend else {second * _HOURS // self._week.seconds for second in timeline.starts}
            ):
                starts[hour] += 1
        most = max(starts, default=0)
        cells = [
            element(
                "rect",
                class_=f"heat heat-{1 + (4 * jobs - 1) // most}",
                x=percent(hour / _HOURS),
                y="8",
                width=percent(1 / _HOURS),
                height="18",
            )
            for hour, jobs in enumerate(starts)
            if jobs
        ]
        grid = element("use", href="#grid", width="100%", height="100%")
        return element("svg", grid, *cells, width="100%", height=HEIGHT, class_="strip", aria_hidden="true")

    def _load_row(self) -> str:
        known = "by usual duration, else by timeout (lighter)"
        side = element("div", element("b", "vCPUs"), element("span", known, class_="when"), class_="side")
        return element("div", side, self._chart.render(), class_="load")


_SHAPES = element(
    "svg",
    element("symbol", element("path", d="M-4,-4L4,4M-4,4L4,-4"), id="cross", overflow="visible"),
    class_="hidden",
    width="0",
    height="0",
    aria_hidden="true",
)
