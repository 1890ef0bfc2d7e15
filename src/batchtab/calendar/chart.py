"""vCPUs along the week: what the runs ask for, against what the environment has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from batchtab.calendar import words
from batchtab.calendar.contention import Contention
from batchtab.calendar.labels import Label, labels
from batchtab.calendar.load import Load
from batchtab.calendar.markup import element, percent, text
from batchtab.calendar.plot import Plot
from batchtab.calendar.recurrence import Recurrence
from batchtab.calendar.summary import peak
from batchtab.calendar.timeline import Calendar

HEIGHT = 150
_TOP = 24  # room for the numbers of pile-ups
_BINS = 7 * 24 * 6  # ten minutes each: a point on a wide screen
_FAR = 4  # times the peak: a limit that far above is written, not drawn
_LEFT = 0.9
_HEADROOM = 1.08
_POINT = 1e-6  # of the week


class Chart:
    """The chart of a week's load.

    Args:
        calendar: The week.
        load: What its runs ask for.
        plot: Where its times are.
        recurrences: Its pile-ups, which are marked by their numbers.
    """

    def __init__(self, calendar: Calendar, load: Load, plot: Plot, recurrences: list[Recurrence]) -> None:
        self._calendar = calendar
        self._week = calendar.week
        self._load = load
        self._plot = plot
        self._recurrences = recurrences
        self._limit = calendar.catalog.stage.max_vcpus
        most = load.peak[1]
        self._is_limit_drawn = self._limit <= _FAR * most
        self._top = (max(most, self._limit) if self._is_limit_drawn else most or 1) * _HEADROOM

    def render(self) -> str:
        """The `svg`, and what its numbers say."""
        edges = [round(number * self._week.seconds / _BINS) for number in range(_BINS + 1)]
        peaks = self._load.peaks(edges)
        usual = [self._y(each[0]) for each in peaks]
        total = [self._y(each[1]) for each in peaks]
        floor = [self._y(0)] * _BINS
        areas = [_area("asked-usual", usual, floor), _area("asked-bound", total, usual)]
        if self._is_limit_drawn:
            limit = [self._y(self._limit)] * _BINS
            areas.append(_area("asked-over", [min(y, limit[0]) for y in total], limit))
        drawing = element(
            "svg",
            *areas,
            viewBox=f"0 0 {_BINS} {HEIGHT}",
            preserveAspectRatio="none",
            width="100%",
            height=HEIGHT,
            y="0",
        )
        picture = element(
            "svg",
            element("use", href="#grid", width="100%", height="100%"),
            drawing,
            *self._limit_line(),
            *self._numbers(),
            *self._peak(),
            class_="chart",
            width="100%",
            height=HEIGHT,
            role="img",
            aria_label=peak(self._calendar, self._load),
        )
        return element("div", picture, labels("pile-ups", list(self._labels())), class_="plot")

    def _y(self, vcpus: float) -> float:
        return round(_TOP + (HEIGHT - _TOP) * (1 - vcpus / self._top), 1)

    def _limit_line(self) -> list[str]:
        if not self._is_limit_drawn:
            return [
                element(
                    "text",
                    text(f"max_vcpus {self._limit:,} is far above"),
                    class_="limit-name",
                    x="100%",
                    dx="-4",
                    y="14",
                    text_anchor="end",
                )
            ]
        y = self._y(self._limit)
        name = text(f"max_vcpus {self._limit:,}")
        return [
            element("line", class_="limit", x1="0", x2="100%", y1=y, y2=y),
            element("text", name, class_="limit-name", x="100%", dx="-4", y=y - 5, text_anchor="end"),
        ]

    def _peak(self) -> list[str]:
        """How much the most is, beside where it is."""
        second, vcpus = self._load.peak
        if not vcpus:
            return []
        fraction = second / self._week.seconds
        side = {"dx": "8"} if fraction < _LEFT else {"dx": "-8", "text_anchor": "end"}
        y = self._y(vcpus) + 10
        return [element("text", text(words.vcpus(vcpus)), class_="peak", x=percent(fraction), y=y, **side)]

    def _numbers(self) -> list[str]:
        parts = []
        for number, recurrence in enumerate(self._recurrences, 1):
            for each in recurrence.contentions:
                x = percent(self._middle(each))
                circle = element("circle", cx=x, cy="12", r="8")
                label = element("text", str(number), x=x, y="16", text_anchor="middle")
                parts.append(element("g", circle, label, class_="number"))
        return parts

    def _labels(self) -> Iterator[Label]:
        for number, recurrence in enumerate(self._recurrences, 1):
            said = f"{number}. {recurrence.when}: {recurrence.wanted}, {recurrence.waits}"
            for each in recurrence.contentions:
                middle = self._middle(each)
                yield Label(middle, middle + _POINT, said)

    def _middle(self, contention: Contention) -> float:
        return (contention.start + contention.end) / 2 / self._week.seconds


def _area(kind: str, upper: Sequence[float], lower: Sequence[float]) -> str:
    """The area between two stepped lines; a bin is one unit wide."""
    there = _steps(upper, range(len(upper)))
    back = _steps(lower, range(len(lower)), backwards=True)
    return element("path", class_=kind, d=f"M{there}L{back}Z")


def _steps(line: Sequence[float], bins: range, *, backwards: bool = False) -> str:
    """The corners of a stepped line; bins of the same height are one step."""
    corners: list[str] = []
    start = 0
    for number in bins:
        if number + 1 == len(line) or line[number + 1] != line[number]:
            corners += [f"{start},{line[start]:g}", f"{number + 1},{line[number]:g}"]
            start = number + 1
    return "L".join(reversed(corners) if backwards else corners)
