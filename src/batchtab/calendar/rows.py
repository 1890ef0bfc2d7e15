"""A job's row: its name and schedule, and its runs along the week."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta

from batchtab.calendar import words
from batchtab.calendar.labels import Label, choice, labels
from batchtab.calendar.marks import Band, Mark, shapes
from batchtab.calendar.markup import element, percent, text
from batchtab.calendar.plot import Plot
from batchtab.calendar.timeline import JobTimeline
from batchtab.errors import how_many
from batchtab.schedules.durations import duration
from batchtab.schedules.timing import EXCLUDED, Occurrence

HEIGHT = 34
_TOP, _BAR = 9, 16
_LABEL_MIN = 0.1  # of the week: a band's words have room within
_WIDE = 0.3
_SPOKEN_MAX = 8


class Row:
    """A timeline as a row of a table.

    Args:
        timeline: The job.
        plot: Where its times are.
        closest: Times that are at most this far apart are drawn as a band.
        number: Which row of the page it is.
    """

    def __init__(self, timeline: JobTimeline, plot: Plot, closest: timedelta, number: int) -> None:
        self._id = f"row-{number}"
        self._timeline = timeline
        self._plot = plot
        self._starts = [each.at for each in timeline.runs]
        self._marks = shapes(timeline.occurrences, closest)

    def render(self) -> str:
        """The `tr`."""
        timeline = self._timeline
        names = ["suspended"] if timeline.job.suspend else []
        head = element("th", self._name(), element("span", text(self._when()), class_="when"), scope="row")
        picture = element(
            "svg",
            element("use", href="#grid", width="100%", height="100%"),
            *self._earlier(),
            *(self._band(each) if isinstance(each, Band) else self._mark(each) for each in self._marks),
            width="100%",
            height=HEIGHT,
            role="img",
            aria_label=self._spoken(),
        )
        week = element("td", picture, labels(self._id, list(self._labels())))
        return element("tr", head, week, class_=" ".join(names) or None)

    def _name(self) -> str:
        timeline, job = self._timeline, self._timeline.job
        size = f"{words.vcpus(job.total_vcpus)} vCPU{'' if job.total_vcpus == 1 else 's'}"
        if job.array_size:
            size += f" {words.TIMES} {job.array_size:,}"
        parts = [timeline.full_name, job.description or "", f"{size}, queue {job.queue}, {self._takes()}"]
        parts += [] if job.concurrency_policy == "allow" else [f"concurrency_policy {job.concurrency_policy}"]
        words_of_it = " · ".join(part for part in (*parts, self._when()) if part)
        name = element("span", text(timeline.name), class_="name")
        return element("label", name, *choice(self._id, words_of_it), class_="job")

    def _when(self) -> str:
        timeline, job = self._timeline, self._timeline.job
        parts = [f"{'~ ' if self._is_guess else ''}{job.schedule}"]
        if timeline.timing.zone.key != "UTC":
            parts.append(timeline.timing.zone.key)
        if job.flexible_window_minutes:
            parts.append(f"+0{words.DASH}{job.flexible_window_minutes} min")
        if job.suspend:
            parts.append("suspended")
        elif not timeline.occurrences:
            parts.append("not in this week")
        return " · ".join(parts)

    @property
    def _is_guess(self) -> bool:
        """Whether it counts from an unknown moment."""
        return self._timeline.timing.is_rate

    def _takes(self) -> str:
        word = "usually" if self._timeline.is_usual else "at most"
        return f"{word} {duration(self._timeline.seconds)}"

    def _mark(self, occurrence: Occurrence) -> str:
        x = self._plot.x(occurrence.at)
        if not occurrence.runs:
            kind = "excluded" if occurrence.note == EXCLUDED else "skipped"
            cross = element("use", href="#cross", x=x, y=_TOP + _BAR / 2)
            return element("g", cross, class_=kind)
        parts = [self._bar(occurrence.at), self._start(occurrence.at)]
        if occurrence.note:  # a time that comes twice
            parts.append(element("circle", class_="twice", cx=x, cy=_TOP - 4, r="3"))
        return element("g", *parts, class_="run")

    def _start(self, at: datetime) -> str:
        return element("rect", class_="start", x=self._plot.x(at), y=_TOP, width="2", height=_BAR)

    def _bar(self, at: datetime) -> str:
        end = at + timedelta(seconds=self._timeline.seconds)
        kind = "usual" if self._timeline.is_usual else "bound"
        width = self._plot.width(at, min(end, self._following(at)) if kind == "bound" else end)
        inset = 0 if kind == "usual" else 0.5
        return element(
            "rect", class_=kind, x=self._plot.x(at), y=_TOP + inset, width=width, height=_BAR - 2 * inset, rx="1"
        )

    def _following(self, at: datetime) -> datetime:
        """When the next one starts: what a run may take at most would hide it."""
        number = bisect_right(self._starts, at)
        return self._starts[number] if number < len(self._starts) else self._plot.week.end

    def _earlier(self) -> Iterator[str]:
        """What began before the week and still runs; only the last of many."""
        if self._timeline.earlier and not any(isinstance(mark, Band) for mark in self._marks):
            yield element("g", self._bar(self._timeline.earlier[-1]), class_="run")

    def _band(self, band: Band) -> str:
        start, end = self._plot.fraction(band.first), self._plot.fraction(self._end(band))
        parts = [
            element("rect", class_="band", x=percent(start), y=_TOP, width=percent(end - start), height=_BAR, rx="3"),
        ]
        if band.runs and end - start >= _LABEL_MIN:
            wide = " wide" if end - start >= _WIDE else ""
            label = text(f"~ {band.words}" if self._is_guess else band.words)
            middle = percent((start + end) / 2)
            parts.append(element("text", label, class_=f"often{wide}", x=middle, y=_TOP + 12, text_anchor="middle"))
        return element("g", *parts, class_="run" if band.runs else "excluded")

    def _end(self, band: Band) -> datetime:
        """A band ends where its next time would be."""
        return band.last + (band.last - band.first) / (band.times - 1)

    def _labels(self) -> Iterator[Label]:
        """What each mark says; a long run is pointed at until the next one starts."""
        fraction, seconds = self._plot.fraction, timedelta(seconds=self._timeline.seconds)
        if any(self._earlier()):
            at = self._timeline.earlier[-1]
            end = min(at + seconds, self._following(at))
            yield Label(0, fraction(end), f"since {self._moment(at)}, {self._takes()}")
        for mark in self._marks:
            if isinstance(mark, Band):
                yield Label(fraction(mark.first), fraction(self._end(mark)), self._band_title(mark))
            else:
                length = seconds if mark.runs else timedelta(seconds=1)
                end = min(mark.at + length, self._following(mark.at))
                yield Label(fraction(mark.at), fraction(end), self._title(mark))

    def _band_title(self, band: Band) -> str:
        first, last = self._moment(band.first), self._moment(band.last)
        title = f"{band.words}, {how_many(band.times, 'run')}: {first} to {last}"
        return f"{title}, {self._takes()}" if band.runs else f"{EXCLUDED}: {title}"

    def _title(self, occurrence: Occurrence) -> str:
        moment = self._moment(occurrence.at, occurrence)
        if not occurrence.runs:
            return f"{moment}: {occurrence.note}{', does not run' if occurrence.note == EXCLUDED else ''}"
        note = f" · {occurrence.note}" if occurrence.note else ""
        return f"{moment} · {self._takes()}{note}"

    def _moment(self, at: datetime, occurrence: Occurrence | None = None) -> str:
        """A moment on the week's clock, on the job's own if it has another, and in UTC."""
        local = self._plot.week.local(at)
        zone = self._timeline.timing.zone
        parts = [f"{words.day(local)} {words.clock(local)}"]
        if occurrence and occurrence.runs and zone.key not in ("UTC", self._plot.week.zone.key):
            parts.append(f"{occurrence.local:%H:%M} {zone.key}")
        if not self._plot.is_utc:
            parts.append(f"{at:%a %H:%M} UTC" if at.date() != local.date() else f"{at:%H:%M} UTC")
        return " · ".join(parts)

    def _spoken(self) -> str:
        runs = self._timeline.runs
        state = "suspended; would be " if self._timeline.job.suspend else ""
        if not runs:
            return f"{state}no run in this week"
        said = [self._spoken_mark(mark) for mark in self._marks[:_SPOKEN_MAX]]
        more = [f"and {len(self._marks) - _SPOKEN_MAX} more"] if len(self._marks) > _SPOKEN_MAX else []
        return f"{state}{how_many(len(runs), 'run')}, {self._takes()} each: {', '.join([*said, *more])}"

    def _spoken_mark(self, mark: Mark) -> str:
        local = self._plot.week.local
        if isinstance(mark, Band):
            what = mark.words if mark.runs else f"{EXCLUDED} {mark.words}"
            return f"{what} {local(mark.first):%a %H:%M} to {local(mark.last):%a %H:%M}"
        note = f" ({mark.note})" if mark.note else ""
        return f"{local(mark.at):%a %H:%M}{note}"
