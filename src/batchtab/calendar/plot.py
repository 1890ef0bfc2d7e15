"""Where a moment is along a week, and what all its rows have behind their marks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from batchtab.calendar import words
from batchtab.calendar.days import Week
from batchtab.calendar.markup import element, percent, text
from batchtab.calendar.recurrence import Recurrence

_TICK_HOURS = 6
_EDGE = 0.007
_WEEKEND = 5  # date.weekday()


@dataclass(frozen=True)
class Plot:
    """A week across the page, from its first second at the left to its last at the right; hours are all as wide."""

    week: Week

    def fraction(self, moment: datetime) -> float:
        """How far along the week, from 0 to 1; what is outside is at its edge."""
        return min(max(self.week.second(moment) / self.week.seconds, 0.0), 1.0)

    def x(self, moment: datetime) -> str:
        """The place of a moment."""
        return percent(self.fraction(moment))

    def width(self, start: datetime, end: datetime) -> str:
        """The length of a stretch, as far as it is within the week."""
        return percent(self.fraction(end) - self.fraction(start))

    def axis(self) -> str:
        """Days, hours of the zone and hours of UTC."""
        zone = self.week.zone.key
        parts = [*self._day_names(), *self._hours()]
        if not self.is_utc:
            parts += self._utc_hours()
        label = f"Seven days from {self.week.first:%Y-%m-%d}, time zone {zone}"
        height = self._hour_y + (5 if self.is_utc else 21)
        return element("svg", *parts, class_="axis", width="100%", height=height, role="img", aria_label=label)

    @property
    def is_utc(self) -> bool:
        """Whether the zone's clocks show UTC all week, so that one axis is enough."""
        week = self.week
        return not week.changes and not week.local(week.start).utcoffset()

    @property
    def _hour_y(self) -> int:
        """Where hours are written: below the days and, if there is one, the change of clocks."""
        return 46 if self.week.changes else 32

    def background(self, recurrences: list[Recurrence]) -> str:
        """A symbol `#grid`: weekends, days, changes of clocks and pile-ups, for the back of each row."""
        parts: list[str] = []
        for day in self.week.days:
            if day.date.weekday() >= _WEEKEND:
                parts.append(self._stretch("weekend", day.start, day.end))
        for recurrence in recurrences:
            for each in recurrence.contentions:
                start, end = (self.week.start + timedelta(seconds=second) for second in (each.start, each.end))
                parts.append(self._stretch("piled", start, end))
        parts += [self._line("midnight", day.start) for day in self.week.days[1:]]
        parts += [self._line("changed", change.at) for change in self.week.changes]
        symbol = element("symbol", *parts, id="grid")
        return element("svg", symbol, class_="hidden", width="0", height="0", aria_hidden="true")

    def _stretch(self, kind: str, start: datetime, end: datetime) -> str:
        return element("rect", class_=kind, x=self.x(start), y="0", width=self.width(start, end), height="100%")

    def _line(self, kind: str, moment: datetime) -> str:
        x = self.x(moment)
        return element("line", class_=kind, x1=x, x2=x, y1="0", y2="100%")

    def _day_names(self) -> Iterator[str]:
        changes = {self.week.local(change.at).date(): change for change in self.week.changes}
        for day in self.week.days:
            middle = day.start + (day.end - day.start) / 2
            name = element("tspan", text(f"{day.date:%a}"), class_="weekday")
            date = element("tspan", text(f" {day.date.day} {day.date:%b}"), class_="date")
            yield element("text", name, date, x=self.x(middle), y="14", class_="day", text_anchor="middle")
            if change := changes.get(day.date):
                note = f"{day.hours:g} h: {change}"
                yield element(
                    "g",
                    element("title", text(f"{words.day(self.week.local(change.at))}: {note}")),
                    element("text", text(f"⚠ {day.hours:g} h"), x=self.x(middle), y="29", text_anchor="middle"),
                    class_="change",
                )

    def _hours(self) -> Iterator[str]:
        for day in self.week.days:
            for hour in range(0, 24, _TICK_HOURS):
                yield from self._tick(self.week.moment(day.date, hour), f"{hour:02d}", self._hour_y, hour)

    def _utc_hours(self) -> Iterator[str]:
        moment = self.week.start.replace(minute=0, second=0)
        while moment < self.week.end:
            if moment >= self.week.start and moment.hour % _TICK_HOURS == 0:
                yield from self._tick(moment, f"{moment:%H}", self._hour_y + 16, moment.hour, " utc")
            moment += timedelta(hours=1)

    def _tick(self, moment: datetime, label: str, y: int, hour: int, kind: str = "") -> Iterator[str]:
        fine = " fine" if hour % 12 else " half" if hour else ""
        # The first label would be cut off by the edge.
        anchor = "start" if self.fraction(moment) < _EDGE else "middle"
        yield element("text", label, x=self.x(moment), y=y, class_=f"hour{fine}{kind}", text_anchor=anchor)
