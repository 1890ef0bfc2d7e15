"""The week on a terminal: rows of characters, as wide as there is room for."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from textwrap import wrap
from typing import TextIO

from rich.console import Console
from rich.text import Text

from batchtab.calendar import words
from batchtab.calendar.cells import ASCII, FROM, UNICODE, Cells, Glyphs
from batchtab.calendar.contention import contentions
from batchtab.calendar.days import DAYS
from batchtab.calendar.load import Load, reservations
from batchtab.calendar.recurrence import Recurrence, recurrences
from batchtab.calendar.summary import summary
from batchtab.calendar.timeline import Calendar, JobTimeline
from batchtab.errors import how_many
from batchtab.schedules.timing import EXCLUDED

_PER_DAY = (24, 12, 8, 6, 4, 3)
_NAME_MIN, _NAME_ENOUGH, _NAME_MAX = 12, 22, 40
_NAMES_MAX = 5
_RECURRENCES_MAX = 8
_NOTES_MAX = 8
_DATE_MIN = 6  # `Mon 23`


def show(calendar: Calendar, file: TextIO | None = None) -> None:
    """Print the week: with colour on a terminal only, in ASCII where nothing else can be written."""
    file = file or sys.stdout
    console = Console(file=file, highlight=False, markup=False, emoji=False, soft_wrap=True)
    is_unicode = _can_write(file)
    for line in _Drawing(calendar, console.width, UNICODE if is_unicode else ASCII).lines():
        if not is_unicode:
            console.print(Text(_plain(line.plain)))
        else:
            console.print(line)


def _can_write(file: TextIO) -> bool:
    try:
        "".join((UNICODE.some, UNICODE.levels, UNICODE.bound, UNICODE.over)).encode(file.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _plain(line: str) -> str:
    return line.replace(words.DASH, "-").replace("·", "|").replace(words.TIMES, "x").replace("…", "~")


class _Drawing:
    def __init__(self, calendar: Calendar, width: int, glyphs: Glyphs) -> None:
        self._calendar = calendar
        self._week = calendar.week
        self._glyphs = glyphs
        self._timelines = calendar.shown
        longest = max((len(timeline.name) + 2 for timeline in self._timelines), default=0)
        enough = min(max(longest, _NAME_MIN), _NAME_ENOUGH)
        per_day = next((each for each in _PER_DAY if enough + _drawn(each) <= width), _PER_DAY[-1])
        self._cells = Cells(self._week, per_day, glyphs)
        self._side = max(_NAME_MIN, min(longest, _NAME_MAX, width - _drawn(per_day)))
        self._wrap = max(width, 40)

    def lines(self) -> Iterator[Text]:
        reserved = reservations(self._calendar)
        load = Load.of(reserved, self._week.seconds)
        found = recurrences(self._calendar, contentions(self._calendar, reserved, load))
        yield from self._header(summary(self._calendar, load, found))
        for service, timelines in groupby(self._timelines, key=lambda timeline: timeline.service):
            yield Text(service, "bold")
            for timeline in timelines:
                yield self._row(timeline)
        if not self._timelines:
            yield Text("No job has a schedule.")
        yield from self._load(load)
        yield from self._legend(found)
        yield from self._clock_notes()
        yield from self._pile_ups(found)
        yield from self._unscheduled()

    def _header(self, said: str) -> Iterator[Text]:
        week, room = self._week, self._cells.per_day
        prefix, place = self._calendar.catalog.stage.prefix, f"{week} · {week.zone.key}"
        if len(f"{prefix} · {place}") <= self._wrap:
            yield Text.assemble((prefix, "bold"), f" · {place}")
        else:
            yield from (Text(prefix, "bold"), Text(place))
        yield from map(Text, self._wrapped(said))
        changed = {week.local(change.at).date() for change in week.changes}
        marks = [self._glyphs.clock if day.date in changed else "" for day in week.days]
        if room < _DATE_MIN:
            names = [f"{day.date:%a}"[: room - len(mark)] + mark for day, mark in zip(week.days, marks, strict=True)]
            yield self._line("", names, "bold")
            return
        yield self._line("", [f"{day.date:%a} {day.date.day}" for day in week.days], "bold")
        hours = "00".ljust(room // 2) + "12"
        yield self._line("", [hours + mark for mark in marks], "dim")

    def _row(self, timeline: JobTimeline) -> Text:
        style = "dim" if timeline.job.suspend else "cyan"
        return self._line(
            f"  {timeline.name}", self._cells.row(timeline), style, name_style="dim" if timeline.job.suspend else ""
        )

    def _line(self, name: str, days: Sequence[str], style: str, name_style: str = "") -> Text:
        line = Text(_cut(name, self._side).ljust(self._side), name_style)
        wall = self._glyphs.wall
        line.append(wall, "dim")
        for day in days:
            for character, group in groupby(day.ljust(self._cells.per_day)):
                line.append("".join(group), self._style(character, style))
            line.append(wall, "dim")
        return line

    def _style(self, character: str, style: str) -> str:
        if character == self._glyphs.none:
            return "dim"
        if character == self._glyphs.clock:
            return "bold yellow"
        if character == self._glyphs.over:
            return "bold red"
        return "dim" if character == self._glyphs.excluded else style

    def _load(self, load: Load) -> Iterator[Text]:
        most = self._calendar.catalog.stage.max_vcpus
        peaks = [total for _, total in load.peaks(self._cells.edges())]
        yield Text(self._glyphs.rule * (self._side + _drawn(self._cells.per_day)), "dim")
        yield self._line(f"vCPUs of {most:,}", self._cells.levels(peaks, most), "blue", name_style="bold")

    def _legend(self, found: list[Recurrence]) -> Iterator[Text]:
        glyphs = self._glyphs
        hours = 24 // self._cells.per_day
        notes = {each.note for timeline in self._timelines for each in timeline.occurrences}
        ends = [
            f"{first}-{following - 1}" if following - first > 1 else f"{first}" for first, following in pairwise(FROM)
        ]
        parts = [
            f"{glyphs.some[0]} {ends[0]} run in {how_many(hours, 'hour')}",
            *(
                f"{glyph} {end}"
                for glyph, end in zip(glyphs.some[1:], [*ends[1:], f"{FROM[-1]} and more"], strict=True)
            ),
            f"{glyphs.usual} usually running",
            f"{glyphs.bound} at most running",
        ]
        if EXCLUDED in notes:
            parts.append(f"{glyphs.excluded} excluded")
        if notes - {"", EXCLUDED} or self._week.changes:
            parts.append(f"{glyphs.clock} clocks change")
        if any(timeline.job.suspend for timeline in self._timelines):
            parts.append(f"{glyphs.suspended} suspended")
        if found:
            parts.append(f"{glyphs.over} more than there are")
        for line in self._wrapped("  ".join(part.replace(" ", "\0") for part in parts)):
            yield Text(line.replace("\0", " "), "dim")
        if self._calendar.chosen is not None:
            yield from (Text(line, "dim") for line in self._wrapped("vCPUs and pile-ups are those of all jobs."))

    def _clock_notes(self) -> Iterator[Text]:
        notes = [f"{words.day(self._week.local(change.at))}: {change}" for change in self._week.changes]
        for timeline in self._timelines:
            noted = [each for each in timeline.occurrences if each.note not in ("", EXCLUDED)]
            more = f" (and {len(noted) - 1:,} more)" if len(noted) > 1 else ""
            notes += [f"{words.day(each.local)}: {timeline.full_name}: {each.note}{more}" for each in noted[:1]]
        for note in notes[:_NOTES_MAX]:
            yield from (Text(line, "yellow") for line in self._wrapped(f"{self._glyphs.clock} {note}", "  "))
        if len(notes) > _NOTES_MAX:
            yield Text(f"  and {len(notes) - _NOTES_MAX:,} more", "yellow")

    def _pile_ups(self, found: list[Recurrence]) -> Iterator[Text]:
        if not found:
            return
        yield Text()
        yield Text("Where runs pile up", "bold")
        if any(each.is_bound for each in found):
            yield Text("  A run whose usual duration is unknown counts until its timeout.", "dim")
        for each in found[:_RECURRENCES_MAX]:
            head = f"{self._glyphs.over} {each.when} ({each.when_utc}): {each.wanted}; {each.waits}"
            yield from (Text(line, "red") for line in self._wrapped(head, "  "))
            yield from (Text(line) for line in self._wrapped(f"  overlap: {each.meeting(_NAMES_MAX)}", "        "))
            yield from (Text(line) for line in self._wrapped(f"  wait: {each.waiting(_NAMES_MAX)}", "        "))
        if len(found) > _RECURRENCES_MAX:
            yield Text(f"  and {len(found) - _RECURRENCES_MAX:,} more: batchtab calendar --html FILE shows them")

    def _unscheduled(self) -> Iterator[Text]:
        jobs = self._calendar.shown_unscheduled
        if not jobs:
            return
        yield Text()
        yield Text("Manual or after others", "bold")
        manual = [each.full_name for each in jobs if not each.after]
        if manual:
            yield from (Text(line) for line in self._wrapped(f"  manual: {', '.join(manual)}", "    "))
        for each in jobs:
            if each.after:
                yield from (Text(line) for line in self._wrapped(f"  {each.full_name} {each.origin}", "    "))

    def _wrapped(self, text: str, indent: str = "") -> list[str]:
        return wrap(text, self._wrap, subsequent_indent=indent, break_on_hyphens=False)


def _drawn(per_day: int) -> int:
    """The characters of all days with the walls between them."""
    return DAYS * (per_day + 1) + 1


def _cut(name: str, width: int) -> str:
    return name if len(name) <= width else f"{name[: width - 1]}…"
